#include <doctest/doctest.h>

#include "kernels/cosine_head.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Shape {
  std::size_t rows, classes, width;
};
// Rows around a block's eight; widths around a vector, a warp's vectors, and where a block takes over from a
// warp (1024); nothing in each extent;
// more blocks of x than the last block has threads.
constexpr Shape kShapes[] = {
    {1, 1, 1},    {0, 3, 5},    {3, 0, 8},    {0, 0, 4},    {2, 3, 0},    {7, 4, 3},    {8, 8, 4},
    {9, 17, 7},   {9, 5, 8},    {16, 2, 31},  {3, 9, 33},   {5, 6, 128},  {4, 3, 264},  {2, 2, 1023},
    {3, 2, 1024}, {2, 3, 1025}, {3, 4, 1032}, {2, 5, 2048}, {1, 1, 2051}, {33, 70, 16}, {2060, 1, 3}};

using Values = std::vector<double>;

/// One head in fp64: y = scale cos(x_r, w_c), and the gradients of sum(dy y), term by term.
struct Reference {
  Values x_unit, w_unit, x_inverse, w_inverse, y, dx, dw, dscale;
};

/// A unit row of each row of x, and its inverse norm.
void normalize(const Values& x, std::size_t rows, std::size_t width, Values& unit, Values& inverse) {
  unit.resize(rows * width);
  for (std::size_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::size_t i = 0; i < width; ++i) sum += x[r * width + i] * x[r * width + i];
    const double norm = std::sqrt(sum);
    inverse.push_back(1 / (norm < 1e-12 ? 1e-12 : norm));
    for (std::size_t i = 0; i < width; ++i) unit[r * width + i] = x[r * width + i] * inverse[r];
  }
}

Reference wanted_of(const Values& x, const Values& w, double scale, const Values& dy, const Shape& shape) {
  Reference of;
  const auto [rows, classes, width] = shape;
  normalize(x, rows, width, of.x_unit, of.x_inverse);
  normalize(w, classes, width, of.w_unit, of.w_inverse);
  of.y.assign(rows * classes, 0.0);
  of.dx.assign(rows * width, 0.0);
  of.dw.assign(classes * width, 0.0);
  of.dscale = {0.0};
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < classes; ++c) {
      const double *xhat = of.x_unit.data() + r * width, *what = of.w_unit.data() + c * width;
      double cosine = 0;
      for (std::size_t i = 0; i < width; ++i) cosine += xhat[i] * what[i];
      of.y[r * classes + c] = scale * cosine;
      const double g = dy[r * classes + c];
      of.dscale[0] += g * cosine;
      // A norm that is clamped is a constant.
      const double of_x = of.x_inverse[r] < 1e12 ? cosine : 0, of_w = of.w_inverse[c] < 1e12 ? cosine : 0;
      for (std::size_t i = 0; i < width; ++i) {
        of.dx[r * width + i] += g * scale * of.x_inverse[r] * (what[i] - of_x * xhat[i]);
        of.dw[c * width + i] += g * scale * of.w_inverse[c] * (xhat[i] - of_w * what[i]);
      }
    }
  }
  return of;
}

/// c[i, j] = sum_k a(i, k) b(k, j): the product that the caller of the kernels makes, rounded to T.
template <typename T, typename A, typename B>
std::vector<T> product(std::size_t rows, std::size_t inner, std::size_t columns, A a, B b) {
  std::vector<T> c;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < inner; ++k) sum += a(i, k) * b(k, j);
      c.push_back(static_cast<T>(static_cast<float>(sum)));
    }
  }
  return c;
}

/// Element (i, j) of a row-major matrix.
auto matrix(const Values& values, std::size_t columns) {
  return [&values, columns](std::size_t i, std::size_t j) { return values[i * columns + j]; };
}
auto transposed(const Values& values, std::size_t columns) {
  return [&values, columns](std::size_t i, std::size_t j) { return values[j * columns + i]; };
}

/// Works, which should take so many launches.
template <typename Work>
void in_launches(std::int64_t launches, Work&& work) {
  const std::int64_t before = launch_count();
  work();
  if (is_emulated()) CHECK(launch_count() == before + launches);
}

/// The head on the device. Of x, w and their outputs number `misaligned` (1 to 4) begins off 16 bytes.
template <typename T>
struct Head {
  Shape shape;
  DeviceArray<T> x, w, x_unit, w_unit, dx, dw;
  DeviceArray<float> scale, x_inverse, w_inverse, dscale;
  DeviceArray<unsigned char> workspace;

  Head(const Shape& of, const std::vector<T>& x_values, const std::vector<T>& w_values, float scale_value,
       int misaligned = 0)
      : shape(of),
        x(x_values, misaligned == 1),
        w(w_values, misaligned == 2),
        x_unit(x_values.size(), misaligned == 3),
        w_unit(w_values.size(), misaligned == 4),
        dx(x_values.size(), misaligned == 3),
        dw(w_values.size(), misaligned == 4),
        scale(std::vector<float>{scale_value}),
        x_inverse(of.rows),
        w_inverse(of.classes),
        dscale(1),
        workspace(std::vector<unsigned char>(
            kernels::cosine_backward_workspace_bytes(static_cast<std::int64_t>(of.rows)))) {}

  void normalize(const float* factor) {
    kernels::cosine_normalize(x.data(), w.data(), factor, x_unit.data(), w_unit.data(), x_inverse.data(),
                              w_inverse.data(), rows(), classes(), width(), nullptr);
  }
  /// From what normalize(nullptr) left.
  void backward(const Values& dy) {
    const Values of_x = widened(x_unit.values()), of_w = widened(w_unit.values());
    const auto [r, c, n] = shape;
    const std::vector<T> for_x = product<T>(r, c, n, matrix(dy, c), matrix(of_w, n));
    const std::vector<T> for_w = product<T>(c, r, n, transposed(dy, c), matrix(of_x, n));
    copy(dx.data(), for_x.data(), for_x.size() * sizeof(T));
    copy(dw.data(), for_w.data(), for_w.size() * sizeof(T));
    kernels::cosine_backward(x.data(), w.data(), scale.data(), x_inverse.data(), w_inverse.data(), dx.data(),
                             dw.data(), dscale.data(), workspace.data(), rows(), classes(), width(), nullptr);
  }
  std::int64_t rows() const { return static_cast<std::int64_t>(shape.rows); }
  std::int64_t classes() const { return static_cast<std::int64_t>(shape.classes); }
  std::int64_t width() const { return static_cast<std::int64_t>(shape.width); }
};

template <typename T>
std::vector<T> inputs(std::size_t rows, std::size_t width, std::uint64_t seed) {
  return uniform<T>(rows * width, -2, 3, seed);
}
Values upstream(const Shape& shape) {
  return widened(uniform<bfloat16>(shape.rows * shape.classes, -1, 1, 3));
}

}  // namespace

TEST_CASE_TEMPLATE("cosine_head: forward and backward follow fp64 at every shape and alignment", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  // In T: a unit row is rounded once before its product, which is then rounded in y; gradients likewise.
  const double tolerance = 4 * unit<T>() + 1e-6;
  for (const Shape& shape : kShapes) {
    const std::size_t rows = shape.rows, classes = shape.classes, width = shape.width;
    CAPTURE(rows);
    CAPTURE(classes);
    CAPTURE(width);
    const std::vector<T> x = inputs<T>(rows, width, 1), w = inputs<T>(classes, width, 2);
    const Values dy = upstream(shape);
    const Reference wanted = wanted_of(widened(x), widened(w), 12.5, dy, shape);
    for (int misaligned = 0; misaligned <= (rows < 100 ? 4 : 0); ++misaligned) {
      CAPTURE(misaligned);
      Head<T> head(shape, x, w, 12.5f, misaligned);
      in_launches(rows + classes > 0 ? 1 : 0, [&] { head.normalize(head.scale.data()); });
      const Values x_unit = widened(head.x_unit.values()), w_unit = widened(head.w_unit.values());
      const DeviceArray<T> y(
          product<T>(rows, width, classes, matrix(x_unit, width), transposed(w_unit, width)));
      CHECK_ARRAY(y, wanted.y, tolerance);
      head.normalize(nullptr);
      CHECK_ARRAY(head.x_unit, wanted.x_unit, unit<T>() + 2e-7);
      CHECK_ARRAY(head.w_unit, wanted.w_unit, unit<T>() + 2e-7);
      CHECK_ARRAY(head.x_inverse, wanted.x_inverse, 1e-7);
      CHECK_ARRAY(head.w_inverse, wanted.w_inverse, 1e-7);
      in_launches(1, [&] { head.backward(dy); });
      CHECK_ARRAY(head.dscale, wanted.dscale, tolerance * std::sqrt(static_cast<double>(rows * classes + 1)));
      if (width == 1) continue;  // the gradients are 0, but for rounding
      CHECK_ARRAY(head.dx, wanted.dx, tolerance * std::sqrt(static_cast<double>(classes + 1)));
      CHECK_ARRAY(head.dw, wanted.dw, tolerance * std::sqrt(static_cast<double>(rows + 1)));
    }
  }
}

TEST_CASE_TEMPLATE("cosine_head: two runs give the same bits, on the workspace that the first left", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  for (const Shape& shape : {Shape{33, 5, 40}, Shape{5, 3, 1100}}) {
    Head<T> head(shape, inputs<T>(shape.rows, shape.width, 1), inputs<T>(shape.classes, shape.width, 2), 3);
    const Values dy = upstream(shape);
    std::vector<double> first[3];
    for (int run = 0; run < 2; ++run) {
      head.normalize(nullptr);
      head.backward(dy);
      const Values got[] = {widened(head.dx.values()), widened(head.dw.values()),
                            widened(head.dscale.values())};
      for (int i = 0; i < 3; ++i) {
        if (run == 0) first[i] = got[i];
        CHECK(got[i] == first[i]);
      }
    }
  }
}

TEST_CASE("cosine_head: in place, without inverses, without a scale") {
  if (!device_is_there()) return;
  const Shape shape{9, 4, 36};
  const std::vector<float> x = inputs<float>(9, 36, 1), w = inputs<float>(4, 36, 2);
  Head<float> head(shape, x, w, 1);
  kernels::cosine_normalize(head.x.data(), head.w.data(), nullptr, head.x.data(), head.w.data(), nullptr,
                            nullptr, 9, 4, 36, nullptr);
  const Reference wanted = wanted_of(widened(x), widened(w), 1, upstream(shape), shape);
  CHECK_ARRAY(head.x, wanted.x_unit, 2e-7);
  CHECK_ARRAY(head.w, wanted.w_unit, 2e-7);
}

TEST_CASE("cosine_head: with scale 0 dscale is exact and nothing else moves") {
  if (!device_is_there()) return;
  const Shape shape{10, 6, 24};
  const std::vector<float> x = inputs<float>(10, 24, 1), w = inputs<float>(6, 24, 2);
  Head<float> head(shape, x, w, 0);
  const Values dy = upstream(shape);
  head.normalize(nullptr);
  head.backward(dy);
  const Reference wanted = wanted_of(widened(x), widened(w), 0, dy, shape);
  CHECK_ARRAY(head.dscale, wanted.dscale, 1e-5);
  CHECK(std::fabs(wanted.dscale[0]) > 0.1);
  CHECK_ARRAY(head.dx, Values(240, 0.0), 0);
  CHECK_ARRAY(head.dw, Values(144, 0.0), 0);
}

TEST_CASE("cosine_head: zero, tiny and huge rows have finite units; NaN and infinity keep to their row") {
  if (!device_is_there()) return;
  for (const std::size_t width : {20u, 1030u}) {  // a warp a row, a block a row
    CAPTURE(width);
    const Shape shape{7, 2, width};
    std::vector<float> x = inputs<float>(7, width, 1);
    const std::vector<float> w = inputs<float>(2, width, 2);
    // 1e25: squares beyond f32's range. The last: a norm of some 6e-13, a little under the least.
    const float factors[] = {1, 0, 1e-30f, 1e25f, 1, 1, 4e-13f / std::sqrt(static_cast<float>(width))};
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= factors[i / width];
    x[4 * width + 3] = NAN;
    x[5 * width + width - 1] = INFINITY;
    const Values dy = upstream(shape);
    const Reference wanted = wanted_of(widened(x), widened(w), 2, dy, shape);
    Head<float> head(shape, x, w, 2);
    head.normalize(nullptr);
    CHECK_ARRAY(head.x_unit, wanted.x_unit, 2e-7);
    CHECK_ARRAY(head.x_inverse, wanted.x_inverse, 1e-7);
    CHECK(head.x_inverse.values()[1] == 1e12f);
    head.backward(dy);
    // Rows differ by powers of ten in their gradients: each is compared for itself.
    const std::vector<float> dx = head.dx.values();
    for (std::size_t r = 0; r < shape.rows; ++r) {
      CAPTURE(r);
      const auto begin = static_cast<std::ptrdiff_t>(r * width),
                 end = static_cast<std::ptrdiff_t>((r + 1) * width);
      const DeviceArray<float> row(std::vector<float>(dx.begin() + begin, dx.begin() + end));
      CHECK_ARRAY(row, Values(wanted.dx.begin() + begin, wanted.dx.begin() + end), 2e-5);
    }
    CHECK(std::isnan(head.dscale.values()[0]));
  }
}
