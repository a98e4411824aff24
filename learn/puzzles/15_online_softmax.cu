// Puzzle 15, softmax: y[row][i] = exp(x[row][i] - m) / s, m the row's largest value, s the sum of exp(x[row][j] - m). A warp for
// each row.
//
// Two passes over x would find m and then s. One does, "online": keep m and s so far, and where a larger value comes, multiply s
// by exp(old m - new m). Two pairs join in the same way, so that the warp's 32 pairs become one by shuffles:
//   m = max(m1, m2),  s = s1 exp(m1 - m) + s2 exp(m2 - m).
// With __shfl_xor_sync(0xffffffff, value, d), d = 16 ... 1, every lane ends up with the result. Beware of -infinity less
// -infinity, which is NaN: a row may be shorter than a warp.
// Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018.
#include "learn/lesson.h"

__global__ void softmax(const float* x, float* y, int rows, int columns) {
  // Your code.
}

// ---- the test
int main() {
  int wrong = 0;
  for (const int columns : {200, 20}) {
    const int rows = 6;
    const auto x = lesson::numbers(rows * columns);
    const lesson::Memory in(x);
    const lesson::Memory<float> out(rows * columns);
    softmax<<<(rows + 3) / 4, dim3(32, 4)>>>(in, out, rows, columns);
    const auto value = [&](int i) {
      const float* const row = &x[i / columns * columns];
      double most = row[0], sum = 0;
      for (int j = 0; j < columns; ++j) most = std::fmax(most, row[j]);
      for (int j = 0; j < columns; ++j) sum += std::exp(row[j] - most);
      return static_cast<float>(std::exp(x[i] - most) / sum);
    };
    std::printf("%d columns: ", columns);
    wrong |= lesson::check(out, lesson::each(rows * columns, value), columns).result();
  }
  return wrong;
}
