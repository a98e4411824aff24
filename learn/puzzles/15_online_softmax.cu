// Puzzle 15, softmax: y[row][i] = exp(x[row][i] - m) / s, m the row's largest value, s the sum of exp(x[row][j] - m). A warp for
// each row.
//
// Two passes over x would find m and then s. One does, "online": keep m and s so far, and where a larger value comes, multiply s
// by exp(old m - new m). Two pairs join in the same way, so that the warp's 32 pairs become one by shuffles:
//   m = max(m1, m2),  s = s1 exp(m1 - m) + s2 exp(m2 - m).
// __shfl_xor_sync(0xffffffff, value, d) is what lane ^ d has for `value`: the lanes d apart change theirs. With d = 16, 8, 4, 2, 1 every
// lane ends up with the result. Lanes without a column take part, too: a row may be shorter than a warp. Beware of -infinity less
// -infinity, which is NaN. expf and fmaxf are for floats; INFINITY is a constant.
// Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018.
#include "learn/lesson.h"

__global__ void softmax(const float* x, float* y, int rows, int columns) {
  // Your code.
}

// ---- the test
int main() {
  for (const int columns : {200, 10}) {
    const int rows = 6;
    auto x = lesson::numbers(rows * columns);
    // exp(100) is more than a float can hold, exp(-110) less: less m they are as others.
    for (int i = 0; i < rows * columns; ++i) x[i] += i / columns % 2 == 0 ? 100.0f : -110.0f;
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
    const auto wanted = lesson::each(rows * columns, value);
    const auto exp_of = [&](int i) {
      const auto row = x.begin() + i / columns * columns;
      return std::exp(x[i] - *std::max_element(row, row + columns));
    };
    const auto has = [](const auto& y, auto&& is_so) { return std::any_of(y.begin(), y.end(), is_so); };
    const auto has_nan = [&](const auto& y) {
      return has(y, [](float value) { return std::isnan(value) && !lesson::unwritten(value); });
    };
    // Whether the values of each row are wrong by a factor that all of them share.
    const auto is_scaled = [&](const auto& y) {
      for (int i = 0; i < rows * columns; ++i) {
        const int first = i / columns * columns;
        const float one = y[i] * wanted[first], other = y[first] * wanted[i];
        if (!(std::fabs(one - other) <= 1e-4f * std::fabs(other))) return false;
      }
      return true;
    };
    std::printf("%d columns: ", columns);
    const int wrong =
        lesson::check(out, wanted, columns)
            .hint_if([&](const auto& y) { return has_nan(y) && columns < 32; },
                     "NaN: two lanes join that have no column, each with m = -infinity, and -infinity less "
                     "-infinity is NaN: such a pair stays as it is")
            .hint_if(has_nan,
                     "NaN: for a float exp(100) is infinity and exp(-110) is 0. Less the row's largest value "
                     "every x[i] is 0 or below, and one of them 0")
            .hint(lesson::each(rows * columns, exp_of), "these are exp(x - m): divide by their sum, s")
            .hint_if(
                is_scaled,
                "a row's values are wrong by one factor: s is not the sum for the last m. Where m grows, "
                "s is multiplied by exp(old m - new m) first; where two pairs join, both sums are")
            .hint_if(
                [&](const auto& y) { return !has(y, [](float value) { return lesson::unwritten(value); }); },
                "a row's values are wrong by different factors: its lanes do not end with the same m and "
                "s. Five steps with __shfl_xor_sync join the 32 pairs, in both lanes by the same formula, "
                "with m as it was before the step")
            .result();
    if (wrong != 0) return wrong;
  }
  return 0;
}
