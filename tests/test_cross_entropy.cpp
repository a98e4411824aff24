// Cross-entropy: the op on every device, then the kernel at every width, alignment and type.
#include "engine/ops/cross_entropy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/cross_entropy.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;
using reference::Array;

TEST_CASE("cross_entropy: values and gradients") {
  for (const Device device : devices()) {
    for (const Shape& shape :
         {Shape{1, 1}, Shape{0, 4}, Shape{5, 4}, Shape{7, 17}, Shape{64, 88}, Shape{3, 1025}}) {
      for (const float smoothing : {0.0f, 0.1f}) {
        for (const std::int32_t ignored : {-1, 2}) {
          CAPTURE(shape.text());
          CAPTURE(smoothing);
          CAPTURE(ignored);
          std::vector<std::int32_t> targets = classes(shape[0], static_cast<std::int32_t>(shape[1]), 3);
          if (targets.size() > 2) targets[2] = ignored;
          const CrossEntropyOptions options{smoothing, ignored};
          check_gradients({.op =
                               [&](std::span<const Variable> in) {
                                 return cross_entropy(in[0], integers(targets, device), options);
                               },
                           .reference =
                               [&](std::span<const Array> in) {
                                 return reference::cross_entropy(in[0], targets,
                                                                 static_cast<double>(smoothing), ignored);
                               },
                           .inputs = {uniform(shape, -6, 6, 1, device)}});
        }
      }
    }
  }
}

TEST_CASE("cross_entropy: if every row is ignored the loss and its gradient are 0") {
  const Variable logits(uniform({3, 4}, -1, 1, 1), true);
  poison_free_memory();
  const Variable loss = cross_entropy(logits, integers({-1, -1, -1}));
  CHECK(loss.data().item() == 0);
  backward(loss);
  CHECK(same_bytes(logits.grad(), Tensor::zeros({3, 4})));
}

TEST_CASE("cross_entropy: certain logits, huge logits, NaN") {
  const auto loss = [](std::vector<float> logits, std::int32_t target) {
    return cross_entropy(Variable(Tensor::from({1, 2}, logits)), integers({target})).data().item();
  };
  CHECK(loss({1e30f, -1e30f}, 0) == 0);
  CHECK(loss({1000, 0}, 1) == 1000);
  CHECK(std::isnan(loss({NAN, 0}, 1)));
  CHECK(loss({0, -INFINITY}, 0) == 0);  // a masked class
}

TEST_CASE("cross_entropy: the gradient is multiplied by the one that comes in") {
  const Variable logits(uniform({3, 4}, -1, 1, 1), true), same(logits.data(), true);
  const Tensor targets = integers({0, 1, 2});
  backward(cross_entropy(logits, targets));
  backward(cross_entropy(same, targets), Tensor::full({1}, -2));
  Array doubled = array(logits.grad());
  for (double& value : doubled.values) value *= -2;
  CHECK_CLOSE(same.grad(), doubled, tolerance::kElementwise);
}

TEST_CASE("cross_entropy: PyTorch's results") {
  const auto goldens = read_goldens("ops.txt");
  for (const char* name : {"cross_entropy", "cross_entropy_plain"}) {
    CAPTURE(name);
    const GoldenCase& golden = goldens.at(name);
    const Variable x(golden.tensor("x"), true);
    const CrossEntropyOptions options{static_cast<float>(golden.array("smoothing")[0]), -1};
    const Variable y = cross_entropy(x, integers(golden.integers("targets")), options);
    CHECK_CLOSE(y.data(), golden.array("y"), tolerance::kElementwise);
    backward(y, golden.tensor("dy"));
    CHECK_CLOSE(x.grad(), golden.array("dx"), tolerance::kSum);
  }
}

TEST_CASE("cross_entropy: errors") {
  const Variable logits(Tensor::zeros({2, 3}));
  CHECK_THROWS_WITH_AS(cross_entropy(logits, integers({0, 3})),
                       "cross_entropy: wanted targets in 0..2, got 3 in row 1", Error);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, integers({-2, 0})),
                       "cross_entropy: wanted targets in 0..2, got -2 in row 0", Error);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, integers({0})), "cross_entropy: wanted targets [2], got [1]",
                       Error);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, Tensor::zeros({2})),
                       "cross_entropy: wanted targets of type i32, got f32", Error);
  for (const float smoothing : {-0.1f, 1.0f, NAN}) {
    CHECK_THROWS_WITH_AS(cross_entropy(logits, integers({0, 1}), {smoothing, -1}),
                         doctest::Contains("cross_entropy: wanted label smoothing in [0, 1), got"), Error);
  }
}

namespace {

// Part of a warp per row, a warp, a block in registers, tiles that shared memory holds and does not. The
// targets of more than 1024 rows are counted by a launch of their own.
constexpr RowShape kKernelShapes[] = {
    {1, 1},    {300, 1},  {129, 3},  {257, 4},   {64, 88},   {33, 8},    {9, 32},    {5, 33},    {3, 129},
    {5, 512},  {3, 513},  {3, 520},  {5, 1000},  {3, 1025},  {3, 1032},  {1024, 4},  {1025, 4},  {2050, 3},
    {5003, 1}, {2, 8192}, {2, 8193}, {2, 16384}, {3, 16385}, {3, 16392}, {2, 40000}, {2, 60000}, {1, 130001}};
constexpr std::int64_t kOnEachPath[] = {4, 40, 600, 1040, 16400};

/// A workspace for calls of any size up to `rows`, and what it must be between them.
class Workspace {
 public:
  explicit Workspace(std::int64_t rows)
      : memory_(std::vector<unsigned char>(kernels::cross_entropy_workspace_bytes(rows), 0)) {}
  void* data() { return memory_.data(); }
  bool is_ready() const {
    const std::vector<unsigned char> bytes = memory_.values();
    return std::all_of(bytes.begin(), bytes.begin() + 8, [](unsigned char byte) { return byte == 0; });
  }

 private:
  DeviceArray<unsigned char> memory_;
};

template <typename T>
void check_kernel(const std::vector<T>& values, const std::vector<std::int32_t>& targets,
                  const RowShape& shape, const CrossEntropyOptions& options, Workspace& workspace,
                  std::size_t shift = 0) {
  CAPTURE(shape.rows);
  CAPTURE(shape.cols);
  CAPTURE(shift);
  CAPTURE(options.label_smoothing);
  const Array x = array(shape.shape(), values);
  const auto smoothing = static_cast<double>(options.label_smoothing);
  const Array wanted = reference::cross_entropy(x, targets, smoothing, options.ignore_index);
  const Array wanted_gradient =
      reference::cross_entropy_gradient(x, targets, smoothing, options.ignore_index);
  DeviceArray<T> logits(values, shift), gradient(shape.count(), shift);
  const DeviceArray<std::int32_t> classes(targets, shift);
  DeviceArray<float> loss(1);
  const std::int64_t before = launch_count();
  kernels::cross_entropy(logits.data(), classes.data(), options.label_smoothing, options.ignore_index,
                         loss.data(), gradient.data(), workspace.data(), shape.rows, shape.cols, nullptr);
  if (is_emulated()) CHECK(launch_count() == before + (shape.rows > 1024 ? 2 : 1));
  CHECK_ARRAY(loss, wanted, 2e-6);
  CHECK_ARRAY(gradient, wanted_gradient, unit<T>() + 2e-6);
  CHECK(workspace.is_ready());
  kernels::cross_entropy(logits.data(), classes.data(), options.label_smoothing, options.ignore_index,
                         loss.data(), logits.data(), workspace.data(), shape.rows, shape.cols, nullptr);
  CHECK_ARRAY(loss, wanted, 2e-6);
  CHECK_ARRAY(logits, wanted_gradient, unit<T>() + 2e-6);
}

}  // namespace

TEST_CASE_TEMPLATE("cross_entropy kernel: loss and gradient on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  Workspace workspace(8192);
  for (const RowShape& shape : kKernelShapes) {
    for (const std::size_t shift : {0, 1}) {
      const std::vector<T> values = uniform<T>(shape.count(), -6, 6, 1);
      auto targets = classes(static_cast<std::size_t>(shape.rows), static_cast<std::int32_t>(shape.cols), 2);
      check_kernel(values, targets, shape, {0, -1}, workspace, shift);
      for (std::size_t r = 0; r < targets.size(); r += 3) targets[r] = -100;
      check_kernel(values, targets, shape, {0.1f, -100}, workspace, shift);
    }
  }
}

TEST_CASE("cross_entropy kernel: no rows, no row that counts, a class that is ignored") {
  if (!device_is_there()) return;
  Workspace workspace(2000);
  check_kernel<float>({}, {}, {0, 5}, {0, -1}, workspace);
  check_kernel<float>({}, {}, {0, 20000}, {0, -1}, workspace);
  for (const std::int64_t cols : kOnEachPath) {
    const RowShape shape{3, cols};
    // The logits of ignored rows do not matter.
    check_kernel(std::vector<float>(shape.count(), NAN), {-1, -1, -1}, shape, {0.1f, -1}, workspace);
    check_kernel(uniform<float>(shape.count(), -2, 2, 3), {2, 1, 2}, shape, {0, 2}, workspace);
  }
  check_kernel(std::vector<float>(2000, 1), std::vector<std::int32_t>(2000, -1), {2000, 1}, {0, -1},
               workspace);
}

TEST_CASE_TEMPLATE("cross_entropy kernel: a target outside makes its row and the loss NaN", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  Workspace workspace(2000);
  for (const std::int64_t cols : kOnEachPath) {
    const RowShape shape{4, cols};
    const auto width = static_cast<std::int32_t>(cols);
    const std::vector<T> values = uniform<T>(shape.count(), -2, 2, 3);
    check_kernel(values, {0, width, 1, width - 1}, shape, {0, -1}, workspace);
    check_kernel(values,
                 {std::numeric_limits<std::int32_t>::min(), 0, std::numeric_limits<std::int32_t>::max(), -1},
                 shape, {0.2f, -1}, workspace);
  }
}

TEST_CASE_TEMPLATE("cross_entropy kernel: equal, huge, infinite and NaN logits on every path", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  Workspace workspace(1);
  struct Row {
    float others, special;
  };
  const Row rows[] = {{0, 0},         {1e30f, 1e30f}, {-1e30f, 1e30f}, {1e30f, -1e30f},        {2, -INFINITY},
                      {-INFINITY, 3}, {0, NAN},       {0, INFINITY},   {-INFINITY, -INFINITY}, {-20, 30}};
  for (const std::int64_t cols : kOnEachPath) {
    const auto width = static_cast<std::size_t>(cols);
    for (const Row& row : rows) {
      CAPTURE(row.others);
      CAPTURE(row.special);
      std::vector<T> values(width, T(row.others));
      values[width / 2] = T(row.special);
      const RowShape shape{1, cols};
      check_kernel(values, {static_cast<std::int32_t>(width / 2)}, shape, {0, -1}, workspace);
      check_kernel(values, {static_cast<std::int32_t>(width - 1)}, shape, {0.1f, -1}, workspace);
    }
  }
}

TEST_CASE("cross_entropy kernel: the same bits every time") {
  if (!device_is_there()) return;
  const RowShape shape{1500, 10};
  Workspace workspace(shape.rows);
  const DeviceArray<float> logits(uniform<float>(shape.count(), -6, 6, 1));
  const DeviceArray<std::int32_t> targets(classes(static_cast<std::size_t>(shape.rows), 10, 2));
  DeviceArray<float> loss(1), gradient(shape.count());
  std::vector<float> first, first_gradient;
  for (int run = 0; run < 5; ++run) {
    kernels::cross_entropy(logits.data(), targets.data(), 0.1f, -1, loss.data(), gradient.data(),
                           workspace.data(), shape.rows, shape.cols, nullptr);
    if (run == 0) {
      first = loss.values();
      first_gradient = gradient.values();
    }
    CHECK(loss.values() == first);
    CHECK(gradient.values() == first_gradient);
  }
}
