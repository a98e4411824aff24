// A number that an option does not take, in the words of every option.
// options: --sample 1
// wants 2: --sample: wanted a whole number in [2, 64], got 1
#include <cuda_runtime.h>

int main() {
  return 0;
}
