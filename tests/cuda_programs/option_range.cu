// A number that an option does not take, in the words of every option; 105 is CLI11's code.
// options: --sample 1
// wants 105: --sample: wanted a whole number in [2, 64], got 1
#include <cuda_runtime.h>

int main() {
  return 0;
}
