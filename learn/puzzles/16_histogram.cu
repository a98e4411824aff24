// Puzzle 16, histogram: counts[v] = how many of the n values are v, 0 <= v < 16.
//
// counts[v] = counts[v] + 1 by two threads at once loses one of them; atomicAdd(&counts[v], 1) does not. But all threads of all
// blocks would stand in line for 16 addresses. So each block counts in shared memory first, and adds its 16 counts at the end.
// The profiler tells how many lanes waited for their turn.
#include "learn/lesson.h"

constexpr int kBins = 16;

__global__ void histogram(const int* values, int* counts, int n) {
  __shared__ int of_block[kBins];
  // Your code.
}

// ---- the test
int main() {
  const int n = 10000;
  const auto numbers = lesson::numbers(n);
  const auto values = lesson::each<int>(n, [&](int i) { return static_cast<int>(numbers[i] + 8) % kBins; });
  std::vector<int> wanted(kBins);
  for (const int value : values) ++wanted[value];
  const lesson::Memory in(values);
  const lesson::Memory out(std::vector<int>(kBins, 0));
  histogram<<<20, 256>>>(in, out, n);
  return lesson::check(out, wanted).hint(std::vector<int>(kBins, 0), "nothing has been counted").result();
}
