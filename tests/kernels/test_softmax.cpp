#include "kernels/softmax.h"

#include <doctest/doctest.h>

#include "tests/kernels/support/values.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Shape {
  std::int64_t rows, cols;
  std::size_t count() const { return static_cast<std::size_t>(rows * cols); }
};

// Part of a warp a row: around 1, 2 .. 32 lanes, one vector, and a block of several rows. A warp: 513 ..
// 1024. A block in registers: to 8192 and, of bfloat16 by vectors, to 16384. Tiles: what half of the shared
// memory holds (16392), all of it (40000) and what it does not (60000).
constexpr Shape kShapes[] = {
    {0, 4},     {3, 0},     {1, 1},     {300, 1},   {129, 3},   {130, 4},   {33, 8},   {17, 31},  {9, 32},
    {5, 33},    {7, 88},    {3, 100},   {5, 127},   {9, 128},   {3, 129},   {5, 511},  {5, 512},  {3, 513},
    {5, 520},   {5, 1000},  {3, 1024},  {2, 1025},  {2, 1032},  {2, 4096},  {1, 8192}, {1, 8193}, {1, 8200},
    {1, 16384}, {2, 16385}, {2, 16392}, {2, 40000}, {1, 60000}, {1, 130001}};
constexpr std::int64_t kOnEachPath[] = {4, 40, 600, 1040, 16400};

template <typename T>
using Forward = void (*)(const T*, T*, std::int64_t, std::int64_t, Stream);
template <typename T>
using Backward = void (*)(const T*, const T*, T*, std::int64_t, std::int64_t, Stream);

std::vector<double> reference(const std::vector<double>& x, const Shape& shape, bool log) {
  std::vector<double> y(x.size());
  const auto cols = static_cast<std::size_t>(shape.cols);
  for (std::size_t row = 0; row < x.size(); row += cols) {
    double most = -INFINITY, sum = 0;
    for (std::size_t c = 0; c < cols; ++c) most = std::fmax(most, x[row + c]);
    for (std::size_t c = 0; c < cols; ++c) sum += std::exp(x[row + c] - most);
    for (std::size_t c = 0; c < cols; ++c) {
      const double shifted = x[row + c] - most;
      y[row + c] = log ? shifted - std::log(sum) : std::exp(shifted) / sum;
    }
  }
  return y;
}

std::vector<double> backward_reference(const std::vector<double>& y, const std::vector<double>& dy,
                                       const Shape& shape, bool log) {
  std::vector<double> dx(y.size());
  const auto cols = static_cast<std::size_t>(shape.cols);
  for (std::size_t row = 0; row < y.size(); row += cols) {
    double sum = 0;
    for (std::size_t i = row; i < row + cols; ++i) sum += log ? dy[i] : y[i] * dy[i];
    for (std::size_t i = row; i < row + cols; ++i)
      dx[i] = log ? dy[i] - std::exp(y[i]) * sum : y[i] * (dy[i] - sum);
  }
  return dx;
}

template <typename T>
std::vector<T> rounded(const std::vector<double>& values) {
  std::vector<T> result;
  for (const double value : values) result.push_back(T(static_cast<float>(value)));
  return result;
}

template <typename T>
constexpr double tolerance() {
  return unit<T>() + 2e-6;
}

/// Each shape, aligned and not, into poisoned memory and in place.
template <typename T>
void check_forward(Forward<T> forward, bool log) {
  for (const Shape& shape : kShapes) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(shape.rows);
      CAPTURE(shape.cols);
      CAPTURE(shift);
      const std::vector<T> values = uniform<T>(shape.count(), -6, 6, 1);
      const std::vector<double> wanted = reference(widened(values), shape, log);
      Array<T> x(values, shift), y(shape.count(), shift);
      const std::int64_t before = launch_count();
      forward(x.data(), y.data(), shape.rows, shape.cols, nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (shape.count() > 0 ? 1 : 0));
      CHECK_ARRAY(y, wanted, tolerance<T>());
      forward(x.data(), x.data(), shape.rows, shape.cols, nullptr);
      CHECK_ARRAY(x, wanted, tolerance<T>());
    }
  }
}

template <typename T>
void check_backward(Backward<T> backward, bool log) {
  for (const Shape& shape : kShapes) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(shape.rows);
      CAPTURE(shape.cols);
      CAPTURE(shift);
      const auto logits = widened(uniform<T>(shape.count(), -6, 6, 1));
      const std::vector<T> values = rounded<T>(reference(logits, shape, log));
      const std::vector<T> slopes = uniform<T>(shape.count(), -1, 1, 2);
      const auto wanted = backward_reference(widened(values), widened(slopes), shape, log);
      Array<T> y(values, shift), dy(slopes, shift), dx(shape.count(), shift);
      const std::int64_t before = launch_count();
      backward(y.data(), dy.data(), dx.data(), shape.rows, shape.cols, nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (shape.count() > 0 ? 1 : 0));
      CHECK_ARRAY(dx, wanted, tolerance<T>());
      backward(y.data(), dy.data(), dy.data(), shape.rows, shape.cols, nullptr);
      CHECK_ARRAY(dy, wanted, tolerance<T>());
    }
  }
}

/// Rows of one width: the middle value of each is special.
template <typename T>
std::vector<T> extreme_rows(std::int64_t cols) {
  struct Row {
    float others, special;
  };
  const Row rows[] = {
      {0, 0},         {1e30f, 1e30f},         {-1e30f, 1e30f},    {1e30f, -1e30f}, {0, -INFINITY},
      {-INFINITY, 3}, {-INFINITY, -INFINITY}, {0, NAN},           {NAN, NAN},      {-INFINITY, NAN},
      {0, INFINITY},  {INFINITY, INFINITY},   {-3.3e38f, 3.3e38f}};
  std::vector<T> values;
  for (const Row& row : rows) {
    for (std::int64_t c = 0; c < cols; ++c) values.push_back(T(c == cols / 2 ? row.special : row.others));
  }
  return values;
}

template <typename T>
void check_extremes(Forward<T> forward, bool log) {
  for (const std::int64_t cols : kOnEachPath) {
    CAPTURE(cols);
    const std::vector<T> values = extreme_rows<T>(cols);
    const auto width = static_cast<std::size_t>(cols);
    const std::int64_t rows = static_cast<std::int64_t>(values.size() / width);
    Array<T> y(values);
    forward(y.data(), y.data(), rows, cols, nullptr);
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {  // each on its own scale
      CAPTURE(row);
      const auto first = static_cast<std::ptrdiff_t>(row * width), end = first + cols;
      const std::vector<T> all = y.values();
      const std::vector<T> got(all.begin() + first, all.begin() + end);
      const std::vector<T> input(values.begin() + first, values.begin() + end);
      std::vector<double> wanted = reference(widened(input), {1, cols}, log);
      for (double& value : wanted) value = static_cast<double>(static_cast<float>(value));  // -6e38: infinity
      CHECK(relative_error(got, wanted) <= tolerance<T>());
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("softmax: forward on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  check_forward<T>(kernels::softmax_forward<T>, false);
  check_forward<T>(kernels::log_softmax_forward<T>, true);
}

TEST_CASE_TEMPLATE("softmax: backward on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  check_backward<T>(kernels::softmax_backward<T>, false);
  check_backward<T>(kernels::log_softmax_backward<T>, true);
}

TEST_CASE_TEMPLATE("softmax: equal, huge, infinite and NaN logits on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  check_extremes<T>(kernels::softmax_forward<T>, false);
  check_extremes<T>(kernels::log_softmax_forward<T>, true);
}

TEST_CASE("softmax: dx may be y") {
  if (!device_is_there()) return;
  for (const std::int64_t cols : kOnEachPath) {
    CAPTURE(cols);
    const Shape shape{2, cols};
    const std::vector<float> slopes = uniform<float>(shape.count(), -1, 1, 3);
    for (const bool log : {false, true}) {
      const auto values = reference(widened(uniform<float>(shape.count(), -6, 6, 1)), shape, log);
      Array<float> y(rounded<float>(values)), dy(slopes);
      const auto backward = log ? kernels::log_softmax_backward<float> : kernels::softmax_backward<float>;
      const auto wanted = backward_reference(widened(y.values()), widened(slopes), shape, log);
      backward(y.data(), dy.data(), y.data(), shape.rows, shape.cols, nullptr);
      CHECK_ARRAY(y, wanted, tolerance<float>());
    }
  }
}
