#include "kernels/cross_entropy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Shape {
  std::int64_t rows, cols;
  std::size_t count() const { return static_cast<std::size_t>(rows * cols); }
};

// Part of a warp a row, a warp, a block in registers, tiles that shared memory holds and does not. Up to 1024
// rows each block counts the targets.
constexpr Shape kShapes[] = {
    {1, 1},    {300, 1},  {129, 3},  {257, 4},   {64, 88},   {33, 8},    {9, 32},    {5, 33},    {3, 129},
    {5, 512},  {3, 513},  {3, 520},  {5, 1000},  {3, 1025},  {3, 1032},  {1024, 4},  {1025, 4},  {2050, 3},
    {5003, 1}, {2, 8192}, {2, 8193}, {2, 16384}, {3, 16385}, {3, 16392}, {2, 40000}, {2, 60000}, {1, 130001}};
constexpr std::int64_t kOnEachPath[] = {4, 40, 600, 1040, 16400};

struct Settings {
  float smoothing;
  std::int32_t ignore_index;
};

struct Result {
  double loss = 0;
  std::vector<double> gradient;
};

bool is_outside(std::int32_t target, std::int64_t cols) {
  return target < 0 || target >= cols;
}

Result reference(const std::vector<double>& x, const std::vector<std::int32_t>& targets, const Shape& shape,
                 const Settings& settings) {
  Result result{0, std::vector<double>(x.size())};
  double counted = 0;
  for (const std::int32_t target : targets) counted += target != settings.ignore_index ? 1 : 0;
  const double s = static_cast<double>(settings.smoothing), share = s / static_cast<double>(shape.cols);
  for (std::size_t r = 0; r < targets.size(); ++r) {
    if (targets[r] == settings.ignore_index) continue;
    const auto width = static_cast<std::size_t>(shape.cols);
    const double* row = x.data() + r * width;
    double most = -INFINITY, sum = 0;
    for (std::size_t c = 0; c < width; ++c) most = std::fmax(most, row[c]);
    for (std::size_t c = 0; c < width; ++c) sum += std::exp(row[c] - most);
    for (std::size_t c = 0; c < width; ++c) {
      const double log_p = row[c] - most - std::log(sum);
      const bool hit = static_cast<std::int32_t>(c) == targets[r];
      const double wanted = (hit ? 1 - s : 0) + share;
      if (wanted > 0) result.loss -= wanted * log_p / counted;
      const bool outside = is_outside(targets[r], shape.cols);
      result.gradient[r * width + c] = outside ? NAN : (std::exp(log_p) - wanted) / counted;
    }
    if (is_outside(targets[r], shape.cols)) result.loss = NAN;
  }
  return result;
}

/// A workspace for calls of any size up to `rows`, and what it must be between them.
class Workspace {
 public:
  explicit Workspace(std::int64_t rows)
      : memory_(std::vector<unsigned char>(kernels::cross_entropy_workspace_bytes(rows), 0)) {}
  void* data() { return memory_.data(); }
  bool is_ready() const {
    const std::vector<unsigned char> bytes = memory_.values();
    return std::all_of(bytes.begin(), bytes.begin() + 16, [](unsigned char byte) { return byte == 0; });
  }

 private:
  DeviceArray<unsigned char> memory_;
};

template <typename T>
void check(const std::vector<T>& values, const std::vector<std::int32_t>& targets, const Shape& shape,
           const Settings& settings, Workspace& workspace, std::size_t shift = 0) {
  CAPTURE(shape.rows);
  CAPTURE(shape.cols);
  CAPTURE(shift);
  CAPTURE(settings.smoothing);
  const Result wanted = reference(widened(values), targets, shape, settings);
  DeviceArray<T> logits(values, shift), gradient(shape.count(), shift);
  const DeviceArray<std::int32_t> classes(targets, shift);
  DeviceArray<float> loss(1);
  const std::int64_t before = launch_count();
  kernels::cross_entropy(logits.data(), classes.data(), settings.smoothing, settings.ignore_index,
                         loss.data(), gradient.data(), workspace.data(), shape.rows, shape.cols, nullptr);
  if (is_emulated()) CHECK(launch_count() == before + 1);
  CHECK_ARRAY(loss, std::vector<double>{wanted.loss}, 2e-6);
  CHECK_ARRAY(gradient, wanted.gradient, unit<T>() + 2e-6);
  CHECK(workspace.is_ready());
  kernels::cross_entropy(logits.data(), classes.data(), settings.smoothing, settings.ignore_index,
                         loss.data(), logits.data(), workspace.data(), shape.rows, shape.cols, nullptr);
  CHECK_ARRAY(loss, std::vector<double>{wanted.loss}, 2e-6);
  CHECK_ARRAY(logits, wanted.gradient, unit<T>() + 2e-6);
}

}  // namespace

TEST_CASE_TEMPLATE("cross_entropy: loss and gradient on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  Workspace workspace(8192);
  for (const Shape& shape : kShapes) {
    for (const std::size_t shift : {0, 1}) {
      const std::vector<T> values = uniform<T>(shape.count(), -6, 6, 1);
      auto targets = classes(static_cast<std::size_t>(shape.rows), static_cast<std::int32_t>(shape.cols), 2);
      check(values, targets, shape, {0, -1}, workspace, shift);
      for (std::size_t r = 0; r < targets.size(); r += 3) targets[r] = -100;
      check(values, targets, shape, {0.1f, -100}, workspace, shift);
    }
  }
}

TEST_CASE("cross_entropy: no rows, no row that counts, a class that is ignored") {
  if (!device_is_there()) return;
  Workspace workspace(2000);
  check<float>({}, {}, {0, 5}, {0, -1}, workspace);
  check<float>({}, {}, {0, 20000}, {0, -1}, workspace);
  for (const std::int64_t cols : kOnEachPath) {
    const Shape shape{3, cols};
    // The logits of ignored rows do not matter.
    check(std::vector<float>(shape.count(), NAN), {-1, -1, -1}, shape, {0.1f, -1}, workspace);
    check(uniform<float>(shape.count(), -2, 2, 3), {2, 1, 2}, shape, {0, 2}, workspace);
  }
  check(std::vector<float>(2000, 1), std::vector<std::int32_t>(2000, -1), {2000, 1}, {0, -1}, workspace);
}

TEST_CASE_TEMPLATE("cross_entropy: a target outside makes its row and the loss NaN", T, float, bfloat16) {
  if (!device_is_there()) return;
  Workspace workspace(2000);
  for (const std::int64_t cols : kOnEachPath) {
    const Shape shape{4, cols};
    const auto width = static_cast<std::int32_t>(cols);
    const std::vector<T> values = uniform<T>(shape.count(), -2, 2, 3);
    check(values, {0, width, 1, width - 1}, shape, {0, -1}, workspace);
    check(values, {std::numeric_limits<std::int32_t>::min(), 0, std::numeric_limits<std::int32_t>::max(), -1},
          shape, {0.2f, -1}, workspace);
  }
}

TEST_CASE_TEMPLATE("cross_entropy: equal, huge, infinite and NaN logits on every path", T, float, bfloat16) {
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
      const Shape shape{1, cols};
      check(values, {static_cast<std::int32_t>(width / 2)}, shape, {0, -1}, workspace);
      check(values, {static_cast<std::int32_t>(width - 1)}, shape, {0.1f, -1}, workspace);
    }
  }
}

TEST_CASE("cross_entropy: the same bits every time") {
  if (!device_is_there()) return;
  const Shape shape{1500, 10};
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
