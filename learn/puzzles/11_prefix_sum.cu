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
  const auto window =
      [&](int width) {  // sums of the last `width` elements, which is what the first steps give
        return lesson::each(kThreads,
                            [&](int i) { return wanted[i] - (i >= width ? wanted[i - width] : 0); });
      };
  const auto from_behind = [&](int i) { return sum - wanted[i] + x[i]; };
  std::vector<float> without_first = x;  // i > d in place of i >= d
  for (int d = 1; d < kThreads; d *= 2) {
    const std::vector<float> before = without_first;
    for (int i = d + 1; i < kThreads; ++i) without_first[i] += before[i - d];
  }
  return lesson::check(out, wanted)
      .hint(exclusive, "x[i] itself belongs to its sum")
      .hint(x, "this is x: no step was done")
      .hint(window(2), "one step was done, d = 1: go on with 2, 4, ... while d < kThreads")
      .hint(window(kThreads / 2), "the last step is missing, d = 128: while d < kThreads")
      .hint(lesson::each(kThreads, from_behind),
            "these are the sums of what comes after: add the one d before, i - d")
      .hint(lesson::each(kThreads, [&](int) { return sum; }),
            "all have the sum of everything: that of y[i] ends with x[i]")
      .hint(without_first, "the element at d has one d before it, the first: i >= d")
      .hint_if(
          [&](const auto& y) {
            return y[0] == wanted[0] && y[1] == wanted[1] && y[2] == wanted[2] && y[3] != wanted[3];
          },
          "the first three are right: d doubles from step to step, 1, 2, 4, ...")
      .result();
}
