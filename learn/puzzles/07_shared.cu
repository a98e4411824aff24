// Puzzle 7, shared memory: each block reverses its own 64 elements.
//
// `__shared__` arrays are a block's own, fast, and seen by all of its threads. They hold what another thread has written only
// after a barrier, __syncthreads(), which every thread of the block must reach. (Reading x backwards would do here as well; the
// puzzle is to read and write memory in order, and turn the elements over on the way.)
#include "learn/lesson.h"

__global__ void reverse(const float* x, float* y) {
  __shared__ float block[64];
  // Your code: three lines.
}

// ---- the test
int main() {
  const int n = 256;
  const auto x = lesson::numbers(n);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(n);
  reverse<<<n / 64, 64>>>(in, out);
  return lesson::check(out, lesson::each(n, [&](int i) { return x[i / 64 * 64 + 63 - i % 64]; }))
      .hint(lesson::each(n, [&](int i) { return x[n - 1 - i]; }),
            "the whole array is reversed: each block was to do so with its own part")
      .hint(lesson::each(n, [&](int i) { return x[63 - i % 64]; }),
            "every block has turned over the first 64 elements: its own begin at blockIdx.x * 64")
      .hint(x, "nothing is reversed: which element of `block` does the thread write to y?")
      .result();
}
