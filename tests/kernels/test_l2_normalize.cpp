#include "kernels/l2_normalize.h"

#include <doctest/doctest.h>

#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Shape {
  std::int64_t rows, cols;
  std::size_t count() const { return static_cast<std::size_t>(rows * cols); }
};

// Part of a warp a row, a warp, a block in registers (to 8192; to 16384 by vectors of bfloat16), tiles that
// shared memory holds and does not.
constexpr Shape kShapes[] = {{0, 4},     {1, 1},     {300, 1},   {33, 3},    {130, 4},  {9, 32},
                             {5, 33},    {5, 128},   {3, 512},   {3, 513},   {3, 520},  {2, 1000},
                             {2, 1025},  {2, 1032},  {2, 2048},  {1, 8192},  {1, 8193}, {1, 16384},
                             {2, 16392}, {1, 40001}, {1, 60000}, {1, 120008}};
constexpr std::int64_t kOnEachPath[] = {4, 40, 600, 1040, 16400};

struct Normalized {
  std::vector<double> y, inverse;
  std::vector<bool> clamped;
};

Normalized wanted_of(const std::vector<double>& x, std::int64_t rows, std::int64_t cols, double epsilon) {
  Normalized result{x, {}, {}};
  const auto width = static_cast<std::size_t>(cols);
  for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
    double squares = 0;
    for (std::size_t c = 0; c < width; ++c) squares += x[r * width + c] * x[r * width + c];
    const double norm = std::sqrt(squares);
    result.clamped.push_back(norm < epsilon);
    result.inverse.push_back(1 / (norm < epsilon ? epsilon : norm));
    for (std::size_t c = 0; c < width; ++c) result.y[r * width + c] *= result.inverse[r];
  }
  return result;
}

/// From the y and inverse norms that the kernel gets.
std::vector<double> backward_reference(const std::vector<double>& y, const std::vector<double>& inverse,
                                       const std::vector<bool>& clamped, const std::vector<double>& dy) {
  std::vector<double> dx(y.size());
  const std::size_t width = inverse.empty() ? 0 : y.size() / inverse.size();
  for (std::size_t r = 0; r < inverse.size(); ++r) {
    double dot = 0;
    for (std::size_t i = r * width; i < (r + 1) * width; ++i) dot += clamped[r] ? 0 : y[i] * dy[i];
    for (std::size_t i = r * width; i < (r + 1) * width; ++i) dx[i] = (dy[i] - y[i] * dot) * inverse[r];
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

/// Random rows; each third is so small that epsilon stands in for its norm.
template <typename T>
std::vector<T> rows_about(const Shape& shape, float epsilon) {
  std::vector<T> x = uniform<T>(shape.count(), -2, 2, 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i) / shape.cols;
    const float small = 0.2f * epsilon / std::sqrt(static_cast<float>(shape.cols));
    if (row % 3 == 2) x[i] = T(static_cast<float>(x[i]) * small);
  }
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("l2_normalize: forward and backward on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  constexpr float kEpsilon = 1e-3f;
  for (const Shape& shape : kShapes) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(shape.rows);
      CAPTURE(shape.cols);
      CAPTURE(shift);
      const auto rows = static_cast<std::size_t>(shape.rows);
      const std::vector<T> values = rows_about<T>(shape, kEpsilon);
      const Normalized wanted =
          wanted_of(widened(values), shape.rows, shape.cols, static_cast<double>(kEpsilon));
      DeviceArray<T> x(values, shift), y(shape.count(), shift);
      DeviceArray<float> inverse(rows);
      const std::int64_t before = launch_count();
      kernels::l2_normalize_forward(x.data(), kEpsilon, y.data(), inverse.data(), shape.rows, shape.cols,
                                    nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (rows > 0 ? 1 : 0));
      CHECK_ARRAY(y, wanted.y, tolerance<T>());
      CHECK_ARRAY(inverse, wanted.inverse, 2e-6);
      kernels::l2_normalize_forward(x.data(), kEpsilon, x.data(), inverse.data(), shape.rows, shape.cols,
                                    nullptr);
      CHECK_ARRAY(x, wanted.y, tolerance<T>());

      const std::vector<T> slopes = uniform<T>(shape.count(), -1, 1, 2);
      DeviceArray<T> dy(slopes, shift), dx(shape.count(), shift);
      const auto wanted_dx =
          backward_reference(widened(y.values()), widened(inverse.values()), wanted.clamped, widened(slopes));
      kernels::l2_normalize_backward(y.data(), inverse.data(), dy.data(), dx.data(), shape.rows, shape.cols,
                                     nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (rows > 0 ? 3 : 0));
      CHECK_ARRAY(dx, wanted_dx, tolerance<T>());
      kernels::l2_normalize_backward(y.data(), inverse.data(), dy.data(), dy.data(), shape.rows, shape.cols,
                                     nullptr);
      CHECK_ARRAY(dy, wanted_dx, tolerance<T>());
    }
  }
}

TEST_CASE_TEMPLATE("l2_normalize: zero, tiny, huge, infinite and NaN rows on every path", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  const float levels[] = {0, 1e-40f, 1e-30f, 1e-16f, 1e-14f, 1, 1e14f, 1e16f, 1e30f, NAN};
  for (const std::int64_t cols : kOnEachPath) {
    for (const float level : levels) {
      for (const float special : {level, 2 * level, INFINITY}) {
        CAPTURE(cols);
        CAPTURE(level);
        CAPTURE(special);
        std::vector<T> values(static_cast<std::size_t>(cols), T(level));
        values[values.size() / 2] = T(special);
        const Normalized wanted = wanted_of(widened(values), 1, cols, 1e-36);
        DeviceArray<T> y(values);
        DeviceArray<float> inverse(1);
        kernels::l2_normalize_forward(y.data(), 1e-36f, y.data(), inverse.data(), 1, cols, nullptr);
        CHECK_ARRAY(y, wanted.y, tolerance<T>());
        CHECK(relative_error(inverse.values(), wanted.inverse) <= 2e-6);
      }
    }
  }
}

TEST_CASE("l2_normalize: rows of no columns, and dx in y's place") {
  if (!device_is_there()) return;
  const DeviceArray<float> nothing(0);
  DeviceArray<float> y(0), inverse(3);
  kernels::l2_normalize_forward(nothing.data(), 0.5f, y.data(), inverse.data(), 3, 0, nullptr);
  CHECK_ARRAY(inverse, (std::vector<double>{2, 2, 2}), 0);
  kernels::l2_normalize_backward(y.data(), inverse.data(), nothing.data(), y.data(), 3, 0, nullptr);

  for (const std::int64_t cols : kOnEachPath) {
    CAPTURE(cols);
    const auto count = static_cast<std::size_t>(2 * cols);
    const std::vector<float> slopes = uniform<float>(count, -1, 1, 3);
    const Normalized forward = wanted_of(widened(uniform<float>(count, -1, 1, 4)), 2, cols, 1e-12);
    DeviceArray<float> value(rounded<float>(forward.y));
    const DeviceArray<float> norms(rounded<float>(forward.inverse)), dy(slopes);
    const auto wanted = backward_reference(widened(value.values()), widened(norms.values()), forward.clamped,
                                           widened(slopes));
    kernels::l2_normalize_backward(value.data(), norms.data(), dy.data(), value.data(), 2, cols, nullptr);
    CHECK_ARRAY(value, wanted, tolerance<float>());
  }
}
