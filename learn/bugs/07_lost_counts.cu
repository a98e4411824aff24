// Bug 7. How many of the n values are positive? Every run counts too few.
#include "learn/lesson.h"

__global__ void count_positive(const float* x, int* count, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && x[i] > 0) *count = *count + 1;
}

// ---- the test
int main() {
  const int n = 1000;
  const auto x = lesson::numbers(n);
  const lesson::Memory in(x);
  const lesson::Memory count(std::vector<int>{0});
  count_positive<<<8, 128>>>(in, count, n);
  int wanted = 0;
  for (const float value : x) wanted += value > 0 ? 1 : 0;
  return lesson::check(count, {wanted}).result();
}
