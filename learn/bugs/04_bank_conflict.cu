// Bug 4. Right, but slow: the sum of each column of a 32 x 32 tile, from shared memory. What does the profiler say of its loads?
#include "learn/lesson.h"

__global__ void column_sums(const float* x, float* y) {
  __shared__ float tile[32][32];
  for (int row = 0; row < 32; ++row) tile[threadIdx.x][row] = x[row * 32 + threadIdx.x];
  __syncthreads();
  float sum = 0;
  for (int row = 0; row < 32; ++row) sum += tile[threadIdx.x][row];
  y[threadIdx.x] = sum;
}

// ---- the test
int main() {
  const auto x = lesson::numbers(32 * 32);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(32);
  column_sums<<<1, 32>>>(in, out);
  const auto sum = [&](int column) {
    float of = 0;
    for (int row = 0; row < 32; ++row) of += x[row * 32 + column];
    return of;
  };
  return lesson::check(out, lesson::each(32, sum)).result();
}
