// Puzzle 9, dot product: *y = sum of a[i] * b[i] over n elements, by one block of 256 threads.
//
// Each thread first sums a part of its own (a loop over the block). Then the 256 sums become one: half of the threads add the
// other half's, then a quarter, ... eight times, with a barrier before each. Every thread must reach every barrier: put the
// condition around the addition alone.
#include "learn/lesson.h"

__global__ void dot(const float* a, const float* b, float* y, int n) {
  __shared__ float sums[256];
  // Your code.
}

// ---- the test
int main() {
  const int n = 3000;
  const auto a = lesson::numbers(n, 1), b = lesson::numbers(n, 2);
  const lesson::Memory in_a(a), in_b(b);
  const lesson::Memory<float> out(1);
  dot<<<1, 256>>>(in_a, in_b, out, n);
  float wanted = 0, first = 0, sums = 0;
  std::vector<float> parts(256);  // of each thread
  for (int i = 0; i < n; ++i) wanted += a[i] * b[i], sums += a[i] + b[i], parts[i % 256] += a[i] * b[i];
  for (int i = 0; i < 256; ++i) first += a[i] * b[i];
  float every_second = 0;  // what sums[0] has when the last step is missing
  for (int i = 0; i < 256; i += 2) every_second += parts[i];
  return lesson::check(out, {wanted})
      .hint({first}, "this is the sum of the first 256 products: go on with i += 256")
      .hint({sums}, "this is the sum of a[i] + b[i]: a[i] * b[i] are to be added")
      .hint({parts[0]}, "this is the first thread's part alone: 255 others are to be added to it")
      .hint({parts[255]}, "this is the last thread's part: the sum of all is in sums[0]")
      .hint({every_second}, "the last step is missing: the halves are 128, 64, ... down to 1, while half > 0")
      .result();
}
