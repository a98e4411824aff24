#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/add.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using reference::Array;

TEST_CASE("add: values and gradients") {
  for (const Device device : test::devices()) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{5, 17}, Shape{300, 257}}) {
      CAPTURE(shape.text());
      test::check_gradients(
          {.op = [](std::span<const Variable> in) { return add(in[0], in[1]); },
           .reference = [](std::span<const Array> in) { return reference::add(in[0], in[1]); },
           .inputs = {test::uniform(shape, -1, 1, 1, device), test::uniform(shape, -1, 1, 2, device)}});
    }
  }
}

TEST_CASE("add: a value added to itself gets twice the gradient") {
  const Variable x(test::uniform({3, 5}, -1, 1, 1), true);
  const Variable y = add(x, x);
  backward(y, Tensor::full({3, 5}, 1));
  CHECK(test::same_bytes(x.grad(), Tensor::full({3, 5}, 2)));
}

TEST_CASE("weighted_sum: values and gradients") {
  const std::vector<float> weights{1, 0.25f, -3};
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{5, 17}}) {
    test::check_gradients({.op = [&](std::span<const Variable> in) { return weighted_sum(in, weights); },
                           .reference =
                               [&](std::span<const Array> in) {
                                 Array y(in[0].shape);
                                 for (std::size_t i = 0; i < in.size(); ++i) {
                                   for (std::int64_t j = 0; j < y.size(); ++j) {
                                     y[j] += static_cast<double>(weights[i]) * in[i][j];
                                   }
                                 }
                                 return y;
                               },
                           .inputs = {test::uniform(shape, -1, 1, 1), test::uniform(shape, -1, 1, 2),
                                      test::uniform(shape, -1, 1, 3)}});
  }
}

TEST_CASE("add and weighted_sum: errors") {
  const Variable a(Tensor::zeros({2})), b(Tensor::zeros({3}));
  CHECK_THROWS_WITH_AS(add(a, b), "add: wanted equal shapes, got [2] and [3]", Error);
  CHECK_THROWS_WITH_AS(add(a, Variable(Tensor::zeros({2}, DType::f64))), "add: wanted b of type f32, got f64",
                       Error);
  const Variable terms[] = {a, b};
  const float weights[] = {1, 2};
  CHECK_THROWS_WITH_AS(weighted_sum(terms, weights), "weighted_sum: wanted equal shapes, got [2] and [3]",
                       Error);
  CHECK_THROWS_WITH_AS(
      weighted_sum({}, {}),
      "weighted_sum: wanted as many weights as terms, and one at least, got 0 terms and 0 weights", Error);
}
