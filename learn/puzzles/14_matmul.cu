// Puzzle 14, matrix product: c[i][j] = sum over k of a[i][k] * b[k][j], all n x n, n a multiple of 16.
//
// Each element of c wants a row of a and a column of b: 2 n reads, n * n times. A block of 16 x 16 threads computes a tile of c
// together: it brings a tile of a and one of b to shared memory, multiplies those, and goes on with the next two. Every value
// is then read from memory n / 16 times instead of n times. Two barriers a tile: before the tiles are read, and before they are
// written again.
#include "learn/lesson.h"

constexpr int kTile = 16;

__global__ void matmul(const float* a, const float* b, float* c, int n) {
  __shared__ float tile_a[kTile][kTile], tile_b[kTile][kTile];
  // Your code.
}

// ---- the test
int main() {
  const int n = 64;
  const auto a = lesson::numbers(n * n, 1), b = lesson::numbers(n * n, 2);
  const lesson::Memory in_a(a), in_b(b);
  const lesson::Memory<float> out(n * n);
  matmul<<<dim3(n / kTile, n / kTile), dim3(kTile, kTile)>>>(in_a, in_b, out, n);
  const auto product = [&](int i, int end) {
    float sum = 0;
    for (int k = 0; k < end; ++k) sum += a[i / n * n + k] * b[k * n + i % n];
    return sum;
  };
  return lesson::check(out, lesson::each(n * n, [&](int i) { return product(i, n); }), n)
      .hint(lesson::each(n * n, [&](int i) { return product(i, kTile); }),
            "these are the first tiles' products: go over all tiles, and add")
      .result();
}
