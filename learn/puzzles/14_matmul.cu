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
  const auto product = [&](int i, int end, int first = 0) {
    float sum = 0;
    for (int k = first; k < end; ++k) sum += a[i / n * n + k] * b[k * n + i % n];
    return sum;
  };
  // Of elements that `of_a` and `of_b` choose by i, j and k.
  const auto other = [&](auto&& of_a, auto&& of_b, int end) {
    return lesson::each(n * n, [&](int i) {
      float sum = 0;
      for (int k = 0; k < end; ++k) sum += a[of_a(i / n, i % n, k)] * b[of_b(i / n, i % n, k)];
      return sum;
    });
  };
  const auto rows = [&](int i, int, int k) { return i * n + k; };
  const auto columns = [&](int, int j, int k) { return k * n + j; };
  return lesson::check(out, lesson::each(n * n, [&](int i) { return product(i, n); }), n)
      .named("c")
      .hint(lesson::each(n * n, [&](int i) { return product(i, kTile); }),
            "these are the first tiles' products: go over all tiles, and add")
      .hint(lesson::each(n * n, [&](int i) { return product(i, n, n - kTile); }),
            "these are the last tiles' products: the sum goes on from tile to tile, so it is set to 0 before "
            "them all")
      .hint(other(
                rows, [&](int, int j, int k) { return j * n + k; }, n),
            "b is read along its rows: c[i][j] takes b's column j, b[k][j], which lies at k * n + j")
      .hint(other([&](int i, int, int k) { return k * n + i; }, columns, n),
            "a is read down its columns: c[i][j] takes a's row i, a[i][k], which lies at i * n + k")
      .hint(other(
                rows,
                [&](int, int j, int k) {
                  return (k / kTile * kTile + j % kTile) * n + j / kTile * kTile + k % kTile;
                },
                n),
            "b's tiles are read along their rows: tile_b[k][threadIdx.x], down a column")
      .hint(other([&](int i, int j, int k) { return i * n + j / kTile * kTile + k; },
                  [&](int i, int j, int k) { return (i / kTile * kTile + k) * n + j; }, kTile),
            "these are products of one tile of a and one of b, those at c's own place: go along a's row of "
            "tiles "
            "and down b's column of tiles, and add")
      .hint(lesson::each(n * n, [&](int i) { return a[i] * b[i]; }),
            "these are a[i][j] * b[i][j]: c[i][j] is the sum over k of a[i][k] * b[k][j]")
      .result();
}
