// Puzzle 11, prefix sum: y[i] = x[0] + ... + x[i], by one block; n is its size, a power of two.
//
// In step d = 1, 2, 4, ... every element adds the one d before it. All must have read before anybody writes: two barriers a
// step, or two arrays that take turns.
#include "learn/lesson.h"

constexpr int kThreads = 256;

__global__ void prefix_sum(const float* x, float* y) {
  __shared__ float sums[kThreads];
  // Your code.
}

// ---- the test
int main() {
  const auto x = lesson::numbers(kThreads);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(kThreads);
  prefix_sum<<<1, kThreads>>>(in, out);
  std::vector<float> wanted, exclusive;
  float sum = 0;
  for (const float value : x) {
    exclusive.push_back(sum);
    wanted.push_back(sum += value);
  }
  return lesson::check(out, wanted)
      .hint(exclusive, "x[i] itself belongs to its sum")
      .hint(x, "this is x: no step was done")
      .result();
}
