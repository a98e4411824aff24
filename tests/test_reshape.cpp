#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/relu.h"
#include "engine/ops/reshape.h"
#include "tests/support/gradcheck.h"

using namespace tern;

TEST_CASE("reshape: the elements stay, the gradient takes the old shape") {
  for (const Shape& shape : {Shape{6, 2}, Shape{12}, Shape{2, 3, 2}}) {
    test::check_gradients({.op = [&](std::span<const Variable> in) { return reshape(in[0], shape); },
                           .reference =
                               [&](std::span<const reference::Array> in) {
                                 reference::Array y = in[0];
                                 y.shape.assign(shape.begin(), shape.end());
                                 return y;
                               },
                           .inputs = {test::uniform({3, 4}, -1, 1, 1)},
                           .forward_tolerance = 0});
  }
  CHECK(reshape(Variable(Tensor::zeros({0, 3})), {3, 0}).shape() == Shape{3, 0});
}

TEST_CASE("reshape: a value used under two shapes, where a backward may write over its dy") {
  const Variable x(Tensor::from<float>({4}, std::vector<float>{-1, 2, -3, 4}), true);
  const Variable y = relu(reshape(x, {2, 2}));
  backward(y, Tensor::full({2, 2}, 1));
  backward(relu(reshape(x, {4, 1})), Tensor::full({4, 1}, 2));
  CHECK(x.grad().to_vector<float>() == std::vector<float>{0, 3, 0, 3});
}

TEST_CASE("reshape: errors") {
  CHECK_THROWS_WITH_AS(reshape(Variable(Tensor::zeros({2, 3})), {5}),
                       "reshape: wanted as many elements as [2, 3], got [5]", Error);
}
