// Rows divided by their norms: the op on every device, then the kernels at every width, alignment and type.
#include "engine/ops/l2_normalize.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/l2_normalize.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;
using reference::Array;

TEST_CASE("l2_normalize: values and gradients") {
  for (const Device device : devices()) {
    for (const Shape& shape :
         {Shape{0, 5}, Shape{3, 0}, Shape{5, 2}, Shape{3, 8}, Shape{4, 17}, Shape{2, 1025}}) {
      CAPTURE(shape.text());
      check_gradients(
          {.op = [](std::span<const Variable> in) { return l2_normalize(in[0]); },
           .reference = [](std::span<const Array> in) { return reference::l2_normalize(in[0], 1e-12); },
           .inputs = {uniform(shape, -2, 2, 1, device)}});
    }
  }
}

TEST_CASE("l2_normalize: rows shorter than epsilon are divided by a constant") {
  check_gradients({.op = [](std::span<const Variable> in) { return l2_normalize(in[0], 10); },
                   .reference = [](std::span<const Array> in) { return reference::l2_normalize(in[0], 10); },
                   .inputs = {uniform({4, 17}, -1, 1, 1)}});
  const Variable zero(Tensor::zeros({1, 3}), true);
  const Variable y = l2_normalize(zero);
  CHECK(same_bytes(y.data(), Tensor::zeros({1, 3})));
  backward(y, Tensor::full({1, 3}, 1));
  for (const float value : zero.grad().to_vector<float>()) CHECK(value == doctest::Approx(1e12));
}

TEST_CASE("l2_normalize: tiny and huge rows get length 1") {
  for (const float size : {1e-10f, 1e-3f, 1e25f}) {
    CAPTURE(size);
    const std::vector<float> y =
        l2_normalize(Variable(Tensor::full({1, 4}, size)), 1e-30f).data().to_vector<float>();
    for (const float value : y) CHECK(value == doctest::Approx(0.5));
  }
}

TEST_CASE("l2_normalize: PyTorch's results") {
  const auto goldens = read_goldens("ops.txt");
  const GoldenCase& golden = goldens.at("l2_normalize");
  const Variable x(golden.tensor("x"), true);
  const Variable y = l2_normalize(x);
  CHECK_CLOSE(y.data(), golden.array("y"), tolerance::kElementwise);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), tolerance::kSum);
}

TEST_CASE("l2_normalize: errors") {
  CHECK_THROWS_WITH_AS(l2_normalize(Variable(Tensor::zeros({3}))),
                       "l2_normalize: wanted [rows, columns], got [3]", Error);
  CHECK_THROWS_WITH_AS(l2_normalize(Variable(Tensor::zeros({3, 2})), 0),
                       doctest::Contains("l2_normalize: wanted epsilon > 0, got 0"), Error);
}

namespace {

// Part of a warp per row, a warp, a block in registers (to 8192; to 16384 by vectors of bfloat16), tiles that
// shared memory holds and does not.
constexpr RowShape kKernelShapes[] = {{0, 4},     {1, 1},     {300, 1},   {33, 3},    {130, 4},  {9, 32},
                                      {5, 33},    {5, 128},   {3, 512},   {3, 513},   {3, 520},  {2, 1000},
                                      {2, 1025},  {2, 1032},  {2, 2048},  {1, 8192},  {1, 8193}, {1, 16384},
                                      {2, 16392}, {1, 40001}, {1, 60000}, {1, 120008}};
constexpr std::int64_t kOnEachPath[] = {4, 40, 600, 1040, 16400};

template <typename T>
constexpr double kernel_tolerance() {
  return unit<T>() + 2e-6;
}

/// Random rows; each third is so small that epsilon stands in for its norm.
template <typename T>
std::vector<T> rows_about(const RowShape& shape, float epsilon) {
  std::vector<T> x = uniform<T>(shape.count(), -2, 2, 1);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i) / shape.cols;
    const float small = 0.2f * epsilon / std::sqrt(static_cast<float>(shape.cols));
    if (row % 3 == 2) x[i] = T(static_cast<float>(x[i]) * small);
  }
  return x;
}

/// Forward into poisoned memory and in place, then backward from what forward left.
template <typename T>
void check_kernels(const RowShape& shape, std::size_t shift) {
  constexpr float kEpsilon = 1e-3f;
  constexpr double kEpsilonOfReference = static_cast<double>(kEpsilon);
  CAPTURE(shape.rows);
  CAPTURE(shape.cols);
  CAPTURE(shift);
  const std::vector<T> values = rows_about<T>(shape, kEpsilon);
  const Array of_x = array(shape.shape(), values);
  const Array wanted = reference::l2_normalize(of_x, kEpsilonOfReference);
  DeviceArray<T> x(values, shift), y(shape.count(), shift);
  DeviceArray<float> inverse(static_cast<std::size_t>(shape.rows));
  const std::int64_t before = launch_count();
  kernels::l2_normalize_forward(x.data(), kEpsilon, y.data(), inverse.data(), shape.rows, shape.cols,
                                nullptr);
  if (is_emulated()) CHECK(launch_count() == before + (shape.rows > 0 ? 1 : 0));
  CHECK_ARRAY(y, wanted, kernel_tolerance<T>());
  CHECK_ARRAY(inverse, reference::inverse_norm(of_x, kEpsilonOfReference), 2e-6);
  kernels::l2_normalize_forward(x.data(), kEpsilon, x.data(), inverse.data(), shape.rows, shape.cols,
                                nullptr);
  CHECK_ARRAY(x, wanted, kernel_tolerance<T>());

  const std::vector<T> gradients = uniform<T>(shape.count(), -1, 1, 2);
  DeviceArray<T> dy(gradients, shift), dx(shape.count(), shift);
  const Array wanted_dx = reference::l2_normalize_backward(
      array(shape.shape(), y.values()), array({shape.rows}, inverse.values()), kEpsilonOfReference,
      array(shape.shape(), gradients));
  kernels::l2_normalize_backward(y.data(), inverse.data(), dy.data(), dx.data(), shape.rows, shape.cols,
                                 nullptr);
  if (is_emulated()) CHECK(launch_count() == before + (shape.rows > 0 ? 3 : 0));
  CHECK_ARRAY(dx, wanted_dx, kernel_tolerance<T>());
  kernels::l2_normalize_backward(y.data(), inverse.data(), dy.data(), dy.data(), shape.rows, shape.cols,
                                 nullptr);
  CHECK_ARRAY(dy, wanted_dx, kernel_tolerance<T>());
}

}  // namespace

TEST_CASE_TEMPLATE("l2_normalize kernel: forward and backward on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const RowShape& shape : kKernelShapes) {
    for (const std::size_t shift : {0, 1}) check_kernels<T>(shape, shift);
  }
}

TEST_CASE_TEMPLATE("l2_normalize kernel: zero, tiny, huge, infinite and NaN rows on every path", T, float,
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
        const Array x = array({1, cols}, values);
        DeviceArray<T> y(values);
        DeviceArray<float> inverse(1);
        kernels::l2_normalize_forward(y.data(), 1e-36f, y.data(), inverse.data(), 1, cols, nullptr);
        CHECK_ARRAY(y, reference::l2_normalize(x, 1e-36), kernel_tolerance<T>());
        CHECK_ARRAY(inverse, reference::inverse_norm(x, 1e-36), 2e-6);
      }
    }
  }
}

TEST_CASE("l2_normalize kernel: rows of no columns, and dx in y's place") {
  if (!device_is_there()) return;
  const DeviceArray<float> nothing(0);
  DeviceArray<float> y(0), inverse(3);
  kernels::l2_normalize_forward(nothing.data(), 0.5f, y.data(), inverse.data(), 3, 0, nullptr);
  CHECK_ARRAY(inverse, (std::vector<double>{2, 2, 2}), 0);
  kernels::l2_normalize_backward(y.data(), inverse.data(), nothing.data(), y.data(), 3, 0, nullptr);

  for (const std::int64_t cols : kOnEachPath) {
    CAPTURE(cols);
    const RowShape shape{2, cols};
    const std::vector<float> gradients = uniform<float>(shape.count(), -1, 1, 3);
    const Array x = array(shape.shape(), uniform<float>(shape.count(), -1, 1, 4));
    DeviceArray<float> value(rounded<float>(reference::l2_normalize(x, 1e-12)));
    const DeviceArray<float> norms(rounded<float>(reference::inverse_norm(x, 1e-12))), dy(gradients);
    const Array wanted =
        reference::l2_normalize_backward(array(shape.shape(), value.values()), array({2}, norms.values()),
                                         1e-12, array(shape.shape(), gradients));
    kernels::l2_normalize_backward(value.data(), norms.data(), dy.data(), value.data(), 2, cols, nullptr);
    CHECK_ARRAY(value, wanted, kernel_tolerance<float>());
  }
}
