// Puzzle 6, a loop over the grid: y[i] = x[i] * x[i] for n elements, by a grid that is too small to have a thread for each.
//
// Each thread goes on by the number of all threads, gridDim.x * blockDim.x, until n is reached. Neighbours in a warp are then
// neighbours in memory at every turn. (A thread that takes 10 elements in a row reads 40 bytes away from its neighbour: try it,
// and look at the sectors a request.)
#include "learn/lesson.h"

__global__ void square(const float* x, float* y, int n) {
  // Your code: a loop.
}

// ---- the test
int main() {
  const int n = 5000;
  const auto x = lesson::numbers(n);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(n);
  square<<<4, 128>>>(in, out, n);
  return lesson::check(out, lesson::each(n, [&](int i) { return x[i] * x[i]; }))
      .hint(lesson::each(n, [&](int i) { return i < 512 ? x[i] * x[i] : lesson::kUnwritten; }),
            "these are the first 512, one for each thread: go on from there, in a loop")
      .hint(lesson::each(n, [&](int i) { return i < n / 512 * 512 ? x[i] * x[i] : lesson::kUnwritten; }),
            "5000 is no multiple of 512 threads, and the rest is missing: go on while i < n, however often "
            "that is")
      .hint(lesson::each(n, [&](int i) { return 2 * x[i]; }), "this is twice x: the square is asked for")
      .result();
}
