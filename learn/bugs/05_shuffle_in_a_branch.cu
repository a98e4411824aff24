// Bug 5. y[i] = x[i] + x[i + 1] within each warp, for the first 31 lanes; lane 31 keeps its own value.
#include "learn/lesson.h"

__global__ void add_next(const float* x, float* y) {
  const int lane = threadIdx.x;
  float value = x[lane];
  if (lane < 31) value += __shfl_down_sync(0xffffffff, value, 1);
  y[lane] = value;
}

// ---- the test
int main() {
  const auto x = lesson::numbers(32);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(32);
  add_next<<<1, 32>>>(in, out);
  return lesson::check(out, lesson::each(32, [&](int i) { return i < 31 ? x[i] + x[i + 1] : x[i]; }))
      .result();
}
