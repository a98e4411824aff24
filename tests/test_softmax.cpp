// Softmax and log-softmax: the ops on every device, then the kernels at every width, alignment and type.
#include "engine/ops/softmax.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/softmax.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Case {
  const char* name;
  Variable (*op)(const Variable&);
  reference::Array (*reference)(const reference::Array&);
};
const Case kCases[] = {{"softmax", softmax, reference::softmax},
                       {"log_softmax", log_softmax, reference::log_softmax}};

}  // namespace

TEST_CASE("softmax: values and gradients") {
  // Widths around one vector and one block of the blocked sum, heads of 4 and 88 classes, no rows.
  const Shape shapes[] = {{1, 1}, {0, 5},  {3, 0},   {7, 4},    {5, 7},
                          {5, 8}, {3, 17}, {64, 88}, {2, 1023}, {2, 1025}};
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    for (const Device device : devices()) {
      for (const Shape& shape : shapes) {
        CAPTURE(shape.text());
        check_gradients(
            {.op = [&](std::span<const Variable> in) { return c.op(in[0]); },
             .reference = [&](std::span<const reference::Array> in) { return c.reference(in[0]); },
             .inputs = {uniform(shape, -4, 4, 1, device)}});
      }
    }
  }
}

TEST_CASE("softmax: a constant added to a row changes nothing") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    Tensor x = uniform({3, 17}, -4, 4, 1);
    const Tensor y = c.op(Variable(x)).data();
    for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] += 64;  // the sum loses 4 bits at most
    CHECK_CLOSE(c.op(Variable(x)).data(), array(y), 2e-5);
  }
}

TEST_CASE("softmax: a row of 262144 classes is as exact as a short one") {
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const Tensor x = uniform({1, 262144}, -4, 4, 1);
    CHECK_CLOSE(c.op(Variable(x)).data(), c.reference(array(x)), tolerance::kElementwise);
  }
}

TEST_CASE("softmax: PyTorch's results") {
  const auto goldens = read_goldens("ops.txt");
  for (const Case& c : kCases) {
    CAPTURE(c.name);
    const GoldenCase& golden = goldens.at(c.name);
    const Variable x(golden.tensor("x"), true);
    const Variable y = c.op(x);
    CHECK_CLOSE(y.data(), golden.array("y"), tolerance::kElementwise);
    backward(y, golden.tensor("dy"));
    CHECK_CLOSE(x.grad(), golden.array("dx"), tolerance::kSum);
  }
}

TEST_CASE("softmax: rows sum to 1, huge and masked logits are fine, NaN comes through") {
  const float max = std::numeric_limits<float>::max();
  const Tensor x =
      Tensor::from<float>({3, 3}, std::vector<float>{1000, -INFINITY, 1000, -max, -max, -max, NAN, 0, 0});
  const std::vector<float> y = softmax(Variable(x)).data().to_vector<float>();
  CHECK(y[0] == doctest::Approx(0.5));
  CHECK(y[1] < 1e-37f);
  CHECK(y[2] == doctest::Approx(0.5));
  CHECK(y[4] == doctest::Approx(1.0 / 3));
  CHECK(std::isnan(y[6]));
  for (const float value :
       softmax(Variable(uniform({4, 1000}, -9, 9, 1))).data().rows(0, 1).to_vector<float>()) {
    CHECK(value >= 0);
  }
}

TEST_CASE("log_softmax: huge and tiny logits stay finite, and exp sums to 1") {
  const Tensor x = Tensor::from<float>({2, 3}, std::vector<float>{1000, 0, -1000, -1e30f, -1e30f, -1e30f});
  const std::vector<float> y = log_softmax(Variable(x)).data().to_vector<float>();
  CHECK(y[0] == 0);
  CHECK(y[1] == -1000);
  CHECK(y[2] == -2000);
  CHECK(y[4] == doctest::Approx(-1.0986123));
}

TEST_CASE("softmax: errors") {
  for (const Case& c : kCases) {
    const std::string name = c.name;
    CHECK_THROWS_WITH_AS(c.op(Variable(Tensor::zeros({3}))),
                         (name + ": wanted [rows, classes], got [3]").c_str(), Error);
    CHECK_THROWS_WITH_AS(c.op(Variable(Tensor::zeros({3, 2}, DType::i32))),
                         (name + ": wanted x of type f32, got i32").c_str(), Error);
  }
}

namespace {

// Part of a warp per row: around 1, 2 .. 32 lanes, one vector, and a block of several rows. A warp: 513 ..
// 1024. A block in registers: to 8192 and, of bfloat16 by vectors, to 16384. Tiles: what half of the shared
// memory holds (16392), all of it (40000) and what it does not (60000).
constexpr RowShape kKernelShapes[] = {
    {0, 4},     {3, 0},     {1, 1},     {300, 1},   {129, 3},   {130, 4},   {33, 8},   {17, 31},  {9, 32},
    {5, 33},    {7, 88},    {3, 100},   {5, 127},   {9, 128},   {3, 129},   {5, 511},  {5, 512},  {3, 513},
    {5, 520},   {5, 1000},  {3, 1024},  {2, 1025},  {2, 1032},  {2, 4096},  {1, 8192}, {1, 8193}, {1, 8200},
    {1, 16384}, {2, 16385}, {2, 16392}, {2, 40000}, {1, 60000}, {1, 130001}};
constexpr std::int64_t kOnEachPath[] = {4, 40, 600, 1040, 16400};

template <typename T>
using Forward = void (*)(const T*, T*, std::int64_t, std::int64_t, Stream);
template <typename T>
using Backward = void (*)(const T*, const T*, T*, std::int64_t, std::int64_t, Stream);

reference::Array forward_reference(const reference::Array& x, bool log) {
  return log ? reference::log_softmax(x) : reference::softmax(x);
}
reference::Array backward_reference(const reference::Array& y, const reference::Array& dy, bool log) {
  return log ? reference::log_softmax_backward(y, dy) : reference::softmax_backward(y, dy);
}

template <typename T>
constexpr double kernel_tolerance() {
  return unit<T>() + 2e-6;
}

/// Each shape, aligned and not, into poisoned memory and in place.
template <typename T>
void check_forward(Forward<T> forward, bool log) {
  for (const RowShape& shape : kKernelShapes) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(shape.rows);
      CAPTURE(shape.cols);
      CAPTURE(shift);
      const std::vector<T> values = uniform<T>(shape.count(), -6, 6, 1);
      const reference::Array wanted = forward_reference(array(shape.shape(), values), log);
      DeviceArray<T> x(values, shift), y(shape.count(), shift);
      const std::int64_t before = launch_count();
      forward(x.data(), y.data(), shape.rows, shape.cols, nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (shape.count() > 0 ? 1 : 0));
      CHECK_ARRAY(y, wanted, kernel_tolerance<T>());
      forward(x.data(), x.data(), shape.rows, shape.cols, nullptr);
      CHECK_ARRAY(x, wanted, kernel_tolerance<T>());
    }
  }
}

template <typename T>
void check_backward(Backward<T> backward, bool log) {
  for (const RowShape& shape : kKernelShapes) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(shape.rows);
      CAPTURE(shape.cols);
      CAPTURE(shift);
      const auto logits = array(shape.shape(), uniform<T>(shape.count(), -6, 6, 1));
      const std::vector<T> values = rounded<T>(forward_reference(logits, log));
      const std::vector<T> gradients = uniform<T>(shape.count(), -1, 1, 2);
      const auto wanted =
          backward_reference(array(shape.shape(), values), array(shape.shape(), gradients), log);
      DeviceArray<T> y(values, shift), dy(gradients, shift), dx(shape.count(), shift);
      const std::int64_t before = launch_count();
      backward(y.data(), dy.data(), dx.data(), shape.rows, shape.cols, nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (shape.count() > 0 ? 1 : 0));
      CHECK_ARRAY(dx, wanted, kernel_tolerance<T>());
      backward(y.data(), dy.data(), dy.data(), shape.rows, shape.cols, nullptr);
      CHECK_ARRAY(dy, wanted, kernel_tolerance<T>());
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
    DeviceArray<T> y(values);
    forward(y.data(), y.data(), rows, cols, nullptr);
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {  // each on its own scale
      CAPTURE(row);
      const auto first = static_cast<std::ptrdiff_t>(row * width), end = first + cols;
      const std::vector<T> all = y.values();
      const std::vector<T> got(all.begin() + first, all.begin() + end);
      const std::vector<T> input(values.begin() + first, values.begin() + end);
      reference::Array wanted = forward_reference(array({1, cols}, input), log);
      for (double& value : wanted.values)
        value = static_cast<double>(static_cast<float>(value));  // -6e38: infinity
      CHECK(relative_error(got, wanted) <= kernel_tolerance<T>());
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("softmax kernel: forward on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  check_forward<T>(kernels::softmax_forward<T>, false);
  check_forward<T>(kernels::log_softmax_forward<T>, true);
}

TEST_CASE_TEMPLATE("softmax kernel: backward on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  check_backward<T>(kernels::softmax_backward<T>, false);
  check_backward<T>(kernels::log_softmax_backward<T>, true);
}

TEST_CASE_TEMPLATE("softmax kernel: equal, huge, infinite and NaN logits on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  check_extremes<T>(kernels::softmax_forward<T>, false);
  check_extremes<T>(kernels::log_softmax_forward<T>, true);
}

TEST_CASE("softmax kernel: dx may be y") {
  if (!device_is_there()) return;
  for (const std::int64_t cols : kOnEachPath) {
    CAPTURE(cols);
    const RowShape shape{2, cols};
    const std::vector<float> gradients = uniform<float>(shape.count(), -1, 1, 3);
    for (const bool log : {false, true}) {
      const auto values =
          forward_reference(array(shape.shape(), uniform<float>(shape.count(), -6, 6, 1)), log);
      DeviceArray<float> y(rounded<float>(values)), dy(gradients);
      const auto backward = log ? kernels::log_softmax_backward<float> : kernels::softmax_backward<float>;
      const auto wanted =
          backward_reference(array(shape.shape(), y.values()), array(shape.shape(), gradients), log);
      backward(y.data(), dy.data(), y.data(), shape.rows, shape.cols, nullptr);
      CHECK_ARRAY(y, wanted, kernel_tolerance<float>());
    }
  }
}
