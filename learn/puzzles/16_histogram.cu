// Puzzle 16, histogram: counts[v] = how many of the n values are v, 0 <= v < 16.
//
// counts[v] = counts[v] + 1 by two threads at once loses one of them; atomicAdd(&counts[v], 1) does not. But all threads of all
// blocks would stand in line for 16 addresses in global memory. So each block counts in shared memory first, and adds its 16 counts at
// the end. (The score counts the lanes that waited for another of their warp, be it in shared memory or in global. What is gained is
// told by the sectors: updates of global memory move some, and shared memory is much nearer.)
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
  std::vector<int> begin(kBins), first{wanted[0]};
  for (int i = 0; i < 20 * 256; ++i) ++begin[values[i]];
  first.resize(kBins);
  const auto times = [&](int factor) {
    return lesson::each<int>(kBins, [&](int v) { return factor * wanted[v]; });
  };
  return lesson::check(out, wanted)
      .named("counts")
      .hint(std::vector<int>(kBins, 0), "nothing has been counted")
      .hint(begin,
            "these are the first 20 * 256 values, one for each thread: go on from there, in a loop over the "
            "grid")
      .hint(times(256),
            "256 times as many: every thread of a block has added its counts, and one for each is enough")
      .hint(times(20),
            "20 times as many: each block has counted all values, and a part of its own is asked for")
      .hint(first, "counts[0] alone is there: 16 threads add one count each, if (threadIdx.x < kBins)")
      .result();
}
