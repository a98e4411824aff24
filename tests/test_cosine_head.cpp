// A cosine head: the op on every device, then the kernels at every size, alignment and type.
#include "engine/ops/cosine_head.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/cosine_head.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;
using reference::Array;

namespace {

Variable head(std::span<const Variable> in) {
  return cosine_head(in[0], in[1], in[2]);
}
Array reference_head(std::span<const Array> in) {
  return reference::cosine_head(in[0], in[1], in[2]);
}

}  // namespace

TEST_CASE("cosine_head: values and gradients") {
  struct Case {
    std::int64_t rows, classes, dimension;
  };
  const Case cases[] = {{1, 1, 2}, {0, 3, 4}, {3, 0, 4}, {5, 7, 3}, {7, 5, 17}, {16, 88, 64}};
  for (const Device device : devices()) {
    for (const Case& c : cases) {
      for (const float scale : {30.0f, -0.5f, 0.0f}) {
        CAPTURE(c.rows);
        CAPTURE(c.classes);
        CAPTURE(c.dimension);
        CAPTURE(scale);
        check_gradients({.op = head,
                         .reference = reference_head,
                         .inputs = {uniform({c.rows, c.dimension}, -1, 2, 1, device),
                                    uniform({c.classes, c.dimension}, -1, 1, 2, device),
                                    Tensor::full({1}, scale).to(device)}});
      }
    }
  }
}

TEST_CASE("cosine_head: the lengths of x and w do not matter, and cosines stay within 1") {
  const Tensor x = uniform({5, 17}, -1, 1, 1), w = uniform({3, 17}, -1, 1, 2);
  Tensor longer = x.clone();
  for (std::int64_t i = 0; i < longer.numel(); ++i) longer.data<float>()[i] *= 1024;
  const Variable one(Tensor::full({1}, 1));
  const Tensor y = cosine_head(Variable(x), Variable(w), one).data();
  CHECK_CLOSE(cosine_head(Variable(longer), Variable(w), one).data(), array(y), tolerance::kElementwise);
  for (const float value : y.to_vector<float>()) CHECK(std::fabs(value) <= 1.000001f);
}

TEST_CASE("cosine_head: a row of zeros gives zeros and finite gradients") {
  const Variable x(Tensor::zeros({2, 3}), true), w(uniform({4, 3}, -1, 1, 1), true);
  const Variable scale(Tensor::full({1}, 30), true);
  const Variable y = cosine_head(x, w, scale);
  CHECK(same_bytes(y.data(), Tensor::zeros({2, 4})));
  backward(y, uniform({2, 4}, -1, 1, 2));
  for (const Variable& input : {x, w, scale}) {
    for (const float value : input.grad().to_vector<float>()) CHECK(std::isfinite(value));
  }
}

TEST_CASE("cosine_head: PyTorch's results") {
  const auto goldens = read_goldens("ops.txt");
  const GoldenCase& golden = goldens.at("cosine_head");
  const Variable x(golden.tensor("x"), true), w(golden.tensor("w"), true),
      scale(golden.tensor("scale"), true);
  const Variable y = cosine_head(x, w, scale);
  CHECK_CLOSE(y.data(), golden.array("y"), tolerance::kSum);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), tolerance::kGradient);
  CHECK_CLOSE(w.grad(), golden.array("dw"), tolerance::kGradient);
  CHECK_CLOSE(scale.grad(), golden.array("dscale"), tolerance::kGradient);
}

TEST_CASE("cosine_head: errors") {
  const Variable x(Tensor::zeros({2, 3})), w(Tensor::zeros({4, 3})), scale(Tensor::zeros({1}));
  CHECK_THROWS_WITH_AS(cosine_head(Variable(Tensor::zeros({3})), w, scale),
                       "cosine_head: wanted x [rows, D], got [3]", Error);
  CHECK_THROWS_WITH_AS(cosine_head(x, Variable(Tensor::zeros({4, 2})), scale),
                       "cosine_head: wanted w [4, 3], got [4, 2]", Error);
  CHECK_THROWS_WITH_AS(cosine_head(x, w, Variable(Tensor::zeros({4}))),
                       "cosine_head: wanted scale [1], got [4]", Error);
}

namespace {

struct Sizes {
  std::int64_t rows, classes, width;
  RowShape x() const { return {rows, width}; }
  RowShape w() const { return {classes, width}; }
  RowShape y() const { return {rows, classes}; }
};
// Rows around a block's eight; widths around a vector, a warp's vectors, and where a block takes over from a
// warp (1024); nothing in each extent; more blocks of x than the last block has threads.
constexpr Sizes kKernelSizes[] = {
    {1, 1, 1},    {0, 3, 5},    {3, 0, 8},    {0, 0, 4},    {2, 3, 0},    {7, 4, 3},    {8, 8, 4},
    {9, 17, 7},   {9, 5, 8},    {16, 2, 31},  {3, 9, 33},   {5, 6, 128},  {4, 3, 264},  {2, 2, 1023},
    {3, 2, 1024}, {2, 3, 1025}, {3, 4, 1032}, {2, 5, 2048}, {1, 1, 2051}, {33, 70, 16}, {2060, 1, 3}};

/// Runs `work`, which should take so many launches.
template <typename Work>
void in_launches(std::int64_t launches, Work&& work) {
  const std::int64_t before = launch_count();
  work();
  if (is_emulated()) CHECK(launch_count() == before + launches);
}

/// x, w and dy, and what they should give in fp64.
template <typename T>
struct Case {
  Sizes sizes;
  std::vector<T> x, w;
  float scale;
  std::vector<bfloat16> dy = uniform<bfloat16>(sizes.y().count(), -1, 1, 3);

  Case(const Sizes& of, float of_scale)
      : sizes(of),
        x(uniform<T>(of.x().count(), -2, 3, 1)),
        w(uniform<T>(of.w().count(), -2, 3, 2)),
        scale(of_scale) {}

  Array array_x() const { return array(sizes.x().shape(), x); }
  Array array_w() const { return array(sizes.w().shape(), w); }
  Array array_dy() const { return array(sizes.y().shape(), dy); }
  Array array_scale() const { return array({1}, std::vector<float>{scale}); }
  Array wanted() const { return reference::cosine_head(array_x(), array_w(), array_scale()); }
  reference::CosineHeadGradients wanted_gradients() const {
    return reference::cosine_head_gradients(array_x(), array_w(), array_scale(), array_dy());
  }
};

/// The unit rows and inverse norms of a case's x or w.
Array unit_rows(const Array& x) {
  return reference::l2_normalize(x, 1e-12);
}
Array inverse_norms(const Array& x) {
  return reference::inverse_norm(x, 1e-12);
}

/// A case on the device. Of x, w and their outputs number `misaligned` (1 to 4) begins off 16 bytes. The
/// matrix products, which are the kernels' caller's, are made here and rounded to T.
template <typename T>
struct Head {
  const Case<T>& of;
  const Sizes sizes;
  DeviceArray<T> x, w, x_unit, w_unit, dx, dw;
  DeviceArray<float> scale, x_inverse, w_inverse, dscale;
  DeviceArray<unsigned char> workspace;

  explicit Head(const Case<T>& of_case, int misaligned = 0)
      : of(of_case),
        sizes(of.sizes),
        x(of.x, misaligned == 1),
        w(of.w, misaligned == 2),
        x_unit(of.x.size(), misaligned == 3),
        w_unit(of.w.size(), misaligned == 4),
        dx(of.x.size(), misaligned == 3),
        dw(of.w.size(), misaligned == 4),
        scale(std::vector<float>{of.scale}),
        x_inverse(static_cast<std::size_t>(sizes.rows)),
        w_inverse(static_cast<std::size_t>(sizes.classes)),
        dscale(1),
        workspace(std::vector<unsigned char>(kernels::cosine_backward_workspace_bytes(sizes.rows))) {}

  void normalize(const float* factor) {
    kernels::cosine_normalize(x.data(), w.data(), factor, x_unit.data(), w_unit.data(), x_inverse.data(),
                              w_inverse.data(), sizes.rows, sizes.classes, sizes.width, nullptr);
  }
  Array array_x_unit() const { return array(sizes.x().shape(), x_unit.values()); }
  Array array_w_unit() const { return array(sizes.w().shape(), w_unit.values()); }
  /// From what normalize(scale) left.
  std::vector<T> y() const {
    return rounded<T>(reference::matmul(array_x_unit(), false, array_w_unit(), true));
  }
  /// From what normalize(nullptr) left.
  void backward() {
    const auto for_x = rounded<T>(reference::matmul(of.array_dy(), false, array_w_unit(), false));
    const auto for_w = rounded<T>(reference::matmul(of.array_dy(), true, array_x_unit(), false));
    copy(dx.data(), for_x.data(), for_x.size() * sizeof(T));
    copy(dw.data(), for_w.data(), for_w.size() * sizeof(T));
    kernels::cosine_backward(x.data(), w.data(), scale.data(), x_inverse.data(), w_inverse.data(), dx.data(),
                             dw.data(), dscale.data(), workspace.data(), sizes.rows, sizes.classes,
                             sizes.width, nullptr);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("cosine_head kernels: forward and backward at every size and alignment", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  // In T: a unit row is rounded once before its product, which is then rounded in y; gradients likewise.
  const double tolerance = 4 * unit<T>() + 1e-6;
  for (const Sizes& sizes : kKernelSizes) {
    const auto [rows, classes, width] = sizes;
    CAPTURE(sizes.rows);
    CAPTURE(sizes.classes);
    CAPTURE(sizes.width);
    const Case<T> of(sizes, 12.5f);
    const Array x = of.array_x(), w = of.array_w(), wanted = of.wanted();
    const reference::CosineHeadGradients gradients = of.wanted_gradients();
    for (int misaligned = 0; misaligned <= (rows < 100 ? 4 : 0); ++misaligned) {
      CAPTURE(misaligned);
      Head<T> head(of, misaligned);
      in_launches(rows + classes > 0 ? 1 : 0, [&] { head.normalize(head.scale.data()); });
      CHECK(relative_error(head.y(), wanted) <= tolerance);
      head.normalize(nullptr);
      CHECK_ARRAY(head.x_unit, unit_rows(x), unit<T>() + 2e-7);
      CHECK_ARRAY(head.w_unit, unit_rows(w), unit<T>() + 2e-7);
      CHECK_ARRAY(head.x_inverse, inverse_norms(x), 1e-7);
      CHECK_ARRAY(head.w_inverse, inverse_norms(w), 1e-7);
      in_launches(1, [&] { head.backward(); });
      CHECK_ARRAY(head.dscale, gradients.dscale,
                  tolerance * std::sqrt(static_cast<double>(rows * classes + 1)));
      if (width == 1) continue;  // the gradients are 0, but for rounding
      CHECK_ARRAY(head.dx, gradients.dx, tolerance * std::sqrt(static_cast<double>(classes + 1)));
      CHECK_ARRAY(head.dw, gradients.dw, tolerance * std::sqrt(static_cast<double>(rows + 1)));
    }
  }
}

TEST_CASE_TEMPLATE("cosine_head kernels: two runs give the same bits, on the workspace that the first left",
                   T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Sizes& sizes : {Sizes{33, 5, 40}, Sizes{5, 3, 1100}}) {
    const Case<T> of(sizes, 3);
    Head<T> head(of);
    std::vector<double> first[3];
    for (int run = 0; run < 2; ++run) {
      head.normalize(nullptr);
      head.backward();
      const std::vector<double> got[] = {widened(head.dx.values()), widened(head.dw.values()),
                                         widened(head.dscale.values())};
      for (int i = 0; i < 3; ++i) {
        if (run == 0) first[i] = got[i];
        CHECK(got[i] == first[i]);
      }
    }
  }
}

TEST_CASE("cosine_head kernels: in place, without inverses, without a scale") {
  if (!device_is_there()) return;
  const Case<float> of({9, 4, 36}, 1);
  Head<float> head(of);
  kernels::cosine_normalize(head.x.data(), head.w.data(), nullptr, head.x.data(), head.w.data(), nullptr,
                            nullptr, 9, 4, 36, nullptr);
  CHECK_ARRAY(head.x, unit_rows(of.array_x()), 2e-7);
  CHECK_ARRAY(head.w, unit_rows(of.array_w()), 2e-7);
}

TEST_CASE("cosine_head kernels: with scale 0 dscale is exact and nothing else moves") {
  if (!device_is_there()) return;
  const Case<float> of({10, 6, 24}, 0);
  Head<float> head(of);
  head.normalize(nullptr);
  head.backward();
  const Array wanted = of.wanted_gradients().dscale;
  CHECK_ARRAY(head.dscale, wanted, 1e-5);
  CHECK(std::fabs(wanted[0]) > 0.1);
  CHECK_ARRAY(head.dx, std::vector<double>(240, 0.0), 0);
  CHECK_ARRAY(head.dw, std::vector<double>(144, 0.0), 0);
}

TEST_CASE(
    "cosine_head kernels: zero, tiny and huge rows have finite units; NaN and infinity keep to their row") {
  if (!device_is_there()) return;
  for (const std::int64_t width : {20, 1030}) {  // a warp per row, a block per row
    CAPTURE(width);
    Case<float> of({7, 2, width}, 2);
    const auto cols = static_cast<std::size_t>(width);
    // 1e25: squares beyond f32's range. The last: a norm of some 6e-13, a little under the least.
    const float factors[] = {1, 0, 1e-30f, 1e25f, 1, 1, 4e-13f / std::sqrt(static_cast<float>(width))};
    for (std::size_t i = 0; i < of.x.size(); ++i) of.x[i] *= factors[i / cols];
    of.x[4 * cols + 3] = NAN;
    of.x[5 * cols + cols - 1] = INFINITY;
    Head<float> head(of);
    head.normalize(nullptr);
    CHECK_ARRAY(head.x_unit, unit_rows(of.array_x()), 2e-7);
    CHECK_ARRAY(head.x_inverse, inverse_norms(of.array_x()), 1e-7);
    CHECK(head.x_inverse.values()[1] == 1e12f);
    head.backward();
    // Rows differ by powers of ten in their gradients: each is compared for itself.
    const std::vector<float> dx = head.dx.values();
    const std::vector<double> wanted = of.wanted_gradients().dx.values;
    for (std::ptrdiff_t r = 0; r < of.sizes.rows; ++r) {
      CAPTURE(r);
      const std::ptrdiff_t begin = r * width, end = begin + width;
      const std::vector<float> row(dx.begin() + begin, dx.begin() + end);
      CHECK(relative_error(row, std::vector<double>(wanted.begin() + begin, wanted.begin() + end)) <= 2e-5);
    }
    CHECK(std::isnan(head.dscale.values()[0]));
  }
}
