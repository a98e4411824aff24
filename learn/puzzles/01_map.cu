// Puzzle 1, map: y[i] = x[i] + 10, a thread for each element.
//
// A kernel is a function that many threads run at once. `map<<<1, 32>>>(x, y)` starts one block of 32 threads; what differs
// between them is threadIdx.x, 0 to 31. x and y are arrays in the GPU's memory.
//
// Run it as it is, `learn/run map`: it says what is wrong. Once it is right it also says what it asks of memory, in sectors: pieces
// of 32 bytes, the least that memory moves. The 32 floats of this block are four of them.
#include "learn/lesson.h"

__global__ void map(const float* x, float* y) {
  // Your code: one line.
}

// ---- the test
int main() {
  const auto x = lesson::numbers(32);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(32);
  map<<<1, 32>>>(in, out);
  return lesson::check(out, lesson::each(32, [&](int i) { return x[i] + 10; }))
      .hint(x, "this is x: add 10")
      .hint(lesson::each(32, [&](int i) { return i + 10.0f; }),
            "this is i + 10: add 10 to the value at i, x[i]")
      .hint(lesson::each(32, [&](int i) { return i == 0 ? x[0] + 10 : lesson::kUnwritten; }),
            "y[0] alone was written: each thread has an element of its own, y[threadIdx.x]")
      .hint(lesson::each(32, [&](int) { return x[0] + 10; }),
            "every thread has read x[0]: its own is x[threadIdx.x]")
      .hint(lesson::each(32, [&](int i) { return x[i] * 10; }), "this is the product: add 10")
      .result();
}
