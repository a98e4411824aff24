#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/l2_normalize.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using reference::Array;

TEST_CASE("l2_normalize: values and gradients") {
  for (const Device device : test::devices()) {
    for (const Shape& shape :
         {Shape{0, 5}, Shape{3, 0}, Shape{5, 2}, Shape{3, 8}, Shape{4, 17}, Shape{2, 1025}}) {
      CAPTURE(shape.text());
      test::check_gradients(
          {.op = [](std::span<const Variable> in) { return l2_normalize(in[0]); },
           .reference = [](std::span<const Array> in) { return reference::l2_normalize(in[0], 1e-12); },
           .inputs = {test::uniform(shape, -2, 2, 1, device)}});
    }
  }
}

TEST_CASE("l2_normalize: rows shorter than epsilon are divided by a constant") {
  test::check_gradients(
      {.op = [](std::span<const Variable> in) { return l2_normalize(in[0], 10); },
       .reference = [](std::span<const Array> in) { return reference::l2_normalize(in[0], 10); },
       .inputs = {test::uniform({4, 17}, -1, 1, 1)}});
  const Variable zero(Tensor::zeros({1, 3}), true);
  const Variable y = l2_normalize(zero);
  CHECK(test::same_bytes(y.data(), Tensor::zeros({1, 3})));
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
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("l2_normalize");
  const Variable x(golden.tensor("x"), true);
  const Variable y = l2_normalize(x);
  CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kElementwise);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kSum);
}

TEST_CASE("l2_normalize: errors") {
  CHECK_THROWS_WITH_AS(l2_normalize(Variable(Tensor::zeros({3}))),
                       "l2_normalize: wanted [rows, columns], got [3]", Error);
  CHECK_THROWS_WITH_AS(l2_normalize(Variable(Tensor::zeros({3, 2})), 0),
                       doctest::Contains("l2_normalize: wanted epsilon > 0, got 0"), Error);
}
