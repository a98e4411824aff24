#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/relu.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;

TEST_CASE("relu: values and gradients") {
  for (const Device device : test::devices()) {
    for (const Shape& shape :
         {Shape{}, Shape{0}, Shape{1}, Shape{7, 3}, Shape{2, 3, 5, 17}, Shape{300, 257}}) {
      CAPTURE(shape.text());
      test::check_gradients(
          {.op = [](std::span<const Variable> in) { return relu(in[0]); },
           .reference = [](std::span<const reference::Array> in) { return reference::relu(in[0]); },
           .inputs = {test::uniform(shape, -1, 1, 1, device)}});
    }
  }
}

TEST_CASE("relu: NaN and infinities come through, and 0 has gradient 0") {
  const Variable x(Tensor::from<float>({4}, std::vector<float>{NAN, INFINITY, -INFINITY, 0}), true);
  const Variable y = relu(x);
  const std::vector<float> values = y.data().to_vector<float>();
  CHECK(std::isnan(values[0]));
  CHECK(values[1] == INFINITY);
  CHECK(values[2] == 0);
  backward(y, Tensor::full({4}, 1));
  CHECK(x.grad().to_vector<float>()[3] == 0);
}

TEST_CASE("relu: PyTorch's results") {
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("relu");
  const Variable x(golden.tensor("x"), true);
  const Variable y = relu(x);
  CHECK_CLOSE(y.data(), golden.array("y"), 0);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), 0);
}

TEST_CASE("relu: errors") {
  CHECK_THROWS_WITH_AS(relu(Variable(Tensor::zeros({2}, DType::i32))), "relu: wanted x of type f32, got i32",
                       Error);
}
