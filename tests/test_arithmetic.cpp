// Arithmetic on Variables: equal shapes, rows and values used again, formulas.
#include "engine/ops/arithmetic.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/backend/backend.h"
#include "engine/core/check.h"
#include "engine/ops/cast.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/softmax.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using reference::Array;

namespace {

struct Binary {
  const char* name;
  Variable (*op)(const Variable&, const Variable&);
  double (*value)(double, double);
};
const Binary kBinary[] = {{"add", add, [](double a, double b) { return a + b; }},
                          {"sub", sub, [](double a, double b) { return a - b; }},
                          {"mul", mul, [](double a, double b) { return a * b; }},
                          {"div", div, [](double a, double b) { return a / b; }}};

Array binary(const Binary& c, const Array& a, const Array& b) {
  Array y = a.size() >= b.size() ? a : b;
  for (std::int64_t i = 0; i < y.size(); ++i) y[i] = c.value(a[i % a.size()], b[i % b.size()]);
  return y;
}

struct Unary {
  const char* name;
  Variable (*op)(const Variable&);
  double (*value)(double);
};
const Unary kUnary[] = {
    {"exp", exp, [](double x) { return std::exp(x); }},
    {"log", log, [](double x) { return std::log(x); }},
    {"affine", [](const Variable& x) { return affine(x, -2, 0.5f); }, [](double x) { return 0.5 - 2 * x; }},
    {"2 / x - 1", [](const Variable& x) { return 2 / x - 1; }, [](double x) { return 2 / x - 1; }},
    {"3 - x / 4", [](const Variable& x) { return 3 - x / 4; }, [](double x) { return 3 - x / 4; }},
};

}  // namespace

TEST_CASE("arithmetic: two operands, values and gradients") {
  const std::pair<Shape, Shape> shapes[] = {
      {{}, {}},        {{0}, {0}},      {{1}, {1}},      {{5, 17}, {5, 17}}, {{300, 257}, {300, 257}},
      {{5, 17}, {17}}, {{17}, {5, 17}}, {{7, 1}, {1}},   {{4, 3, 8}, {8}},   {{2, 3, 5, 4}, {1}},
      {{1}, {300, 8}}, {{6, 9}, {}},    {{1, 12}, {12}}, {{12}, {1}},        {{1}, {12}}};
  for (const Device device : test::devices()) {
    for (const Binary& c : kBinary) {
      CAPTURE(c.name);
      for (const auto& shape : shapes) {
        CAPTURE(shape.first.text());
        CAPTURE(shape.second.text());
        test::check_gradients(
            {.op = [&](std::span<const Variable> in) { return c.op(in[0], in[1]); },
             .reference = [&](std::span<const Array> in) { return binary(c, in[0], in[1]); },
             .inputs = {test::uniform(shape.first, 0.5f, 2, 1, device),
                        test::uniform(shape.second, 0.5f, 2, 2, device)}});
      }
    }
  }
}

TEST_CASE("arithmetic: one operand, values and gradients") {
  for (const Device device : test::devices()) {
    for (const Unary& c : kUnary) {
      CAPTURE(c.name);
      for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{5, 17}, Shape{300, 257}}) {
        CAPTURE(shape.text());
        test::check_gradients({.op = [&](std::span<const Variable> in) { return c.op(in[0]); },
                               .reference =
                                   [&](std::span<const Array> in) {
                                     Array y = in[0];
                                     for (double& value : y.values) value = c.value(value);
                                     return y;
                                   },
                               .inputs = {test::uniform(shape, 0.5f, 2, 1, device)}});
      }
    }
  }
}

TEST_CASE("arithmetic: sum and mean of all values") {
  const auto summed = [](const Array& x, bool mean) {
    Array y({1});
    for (const double value : x.values) y[0] += value / (mean ? static_cast<double>(x.size()) : 1);
    return y;
  };
  for (const Device device : test::devices()) {
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{5, 17}, Shape{300, 257}, Shape{2, 3, 4, 5}}) {
      CAPTURE(shape.text());
      for (const bool is_mean : {false, true}) {
        test::check_gradients(
            {.op = [&](std::span<const Variable> in) { return is_mean ? mean(in[0]) : sum(in[0]); },
             .reference = [&](std::span<const Array> in) { return summed(in[0], is_mean); },
             .inputs = {test::uniform(shape, -1, 2, 1, device)}});
      }
    }
  }
  CHECK(sum(Variable(Tensor::zeros({0, 3}))).data().item() == 0);
}

TEST_CASE("arithmetic: a cross-entropy written as its formula is the fused one") {
  for (const Device device : test::devices()) {
    const Tensor logits = test::uniform({6, 5}, -3, 3, 1, device);
    const std::vector<std::int32_t> targets = test::classes(6, 5, 2);
    Tensor one_hot = Tensor::zeros({6, 5});
    for (std::int64_t r = 0; r < 6; ++r)
      one_hot.data<float>()[5 * r + targets[static_cast<std::size_t>(r)]] = 1;
    const Variable x(logits.clone(), true), same(logits.clone(), true);
    const Variable loss = -sum(Variable(one_hot.to(device)) * log(softmax(x))) / 6;
    const Variable fused = cross_entropy(same, test::integers(targets, device));
    CHECK_CLOSE(loss.data(), test::array(fused.data()), test::tolerance::kSum);
    backward(loss);
    backward(fused);
    CHECK_CLOSE(x.grad(), test::array(same.grad()), test::tolerance::kGradient);
  }
}

TEST_CASE("arithmetic: in bf16, where a device has it") {
  for (const Device device : test::devices()) {
    if (!backend_of(device).has_bfloat16()) continue;
    const Variable x(test::uniform({4, 8}, 1, 2, 1, device), true),
        row(test::uniform({8}, 1, 2, 2, device), true);
    const Variable y = sum(cast(x, DType::bf16) * cast(row, DType::bf16));
    backward(y);
    const Array rows = test::array(row.data());
    Array wanted = test::array(x.data());
    for (std::int64_t i = 0; i < wanted.size(); ++i) wanted[i] = rows[i % 8];
    CHECK_CLOSE(x.grad(), wanted, 1.0 / 128);
    CHECK_CLOSE(row.grad(), reference::sum_rows(test::array(x.data())), 1.0 / 64);
  }
}

TEST_CASE("arithmetic: a value added to itself gets twice the gradient; infinities and NaN come through") {
  const Variable x(test::uniform({3, 5}, -1, 1, 1), true);
  backward(x + x, Tensor::full({3, 5}, 1));
  CHECK(test::same_bytes(x.grad(), Tensor::full({3, 5}, 2)));
  for (const Device device : test::devices()) {
    const Variable odd(Tensor::from<float>({4}, std::vector<float>{0, -1, INFINITY, NAN}).to(device));
    const std::vector<float> logs = log(odd).data().to_vector<float>();
    CHECK(logs[0] == -INFINITY);
    CHECK(std::isnan(logs[1]));
    CHECK(logs[2] == INFINITY);
    CHECK(std::isnan(logs[3]));
    CHECK(exp(odd).data().to_vector<float>()[2] == INFINITY);
    CHECK(exp(-odd).data().to_vector<float>()[2] == 0);
    CHECK(std::isnan((odd / odd).data().to_vector<float>()[0]));
  }
}

TEST_CASE("arithmetic: errors") {
  const Variable a(Tensor::zeros({2})), b(Tensor::zeros({3}));
  CHECK_THROWS_WITH_AS(add(a, b), "add: wanted equal shapes, or a row or a value beside one, got [2] and [3]",
                       Error);
  CHECK_THROWS_WITH_AS(mul(Variable(Tensor::zeros({2, 3})), Variable(Tensor::zeros({2, 1}))),
                       "mul: wanted equal shapes, or a row or a value beside one, got [2, 3] and [2, 1]",
                       Error);
  CHECK_THROWS_WITH_AS(add(a, Variable(Tensor::zeros({2}, DType::f64))), "add: wanted b of type f32, got f64",
                       Error);
  CHECK_THROWS_WITH_AS(exp(Variable(Tensor::zeros({2}, DType::i32))), "exp: wanted x of type f32, got i32",
                       Error);
  CHECK_THROWS_WITH_AS(mean(Variable(Tensor::zeros({0, 2}))), "mean: wanted one value at least, got [0, 2]",
                       Error);
}
