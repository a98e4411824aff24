#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/global_average_pool.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;

TEST_CASE("global_average_pool: values and gradients") {
  for (const Device device : test::devices()) {
    for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 17}, Shape{5, 2, 2, 64}, Shape{1, 40, 30, 8},
                               Shape{0, 2, 2, 3}, Shape{3, 2, 2, 0}}) {
      CAPTURE(shape.text());
      test::check_gradients(
          {.op = [](std::span<const Variable> in) { return global_average_pool(in[0]); },
           .reference =
               [](std::span<const reference::Array> in) { return reference::global_average_pool(in[0]); },
           .inputs = {test::uniform(shape, -1, 2, 1, device)}});
    }
  }
}

TEST_CASE("global_average_pool: PyTorch's results") {
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("global_average_pool");
  const Variable x(golden.tensor("x"), true);
  const Variable y = global_average_pool(x);
  CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kElementwise);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kElementwise);
}

TEST_CASE("global_average_pool: errors") {
  CHECK_THROWS_WITH_AS(global_average_pool(Variable(Tensor::zeros({2, 3}))),
                       "global_average_pool: wanted x [N, H, W, C], got [2, 3]", Error);
  CHECK_THROWS_WITH_AS(global_average_pool(Variable(Tensor::zeros({2, 0, 3, 4}))),
                       "global_average_pool: wanted height and width of at least 1, got [2, 0, 3, 4]", Error);
}
