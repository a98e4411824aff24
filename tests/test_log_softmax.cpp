#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/softmax.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;

TEST_CASE("log_softmax: values and gradients") {
  // Widths around one vector and one block of the blocked sum, the study's heads, no rows.
  const Shape shapes[] = {{1, 1}, {0, 5},  {3, 0},   {7, 4},    {5, 7},
                          {5, 8}, {3, 17}, {64, 88}, {2, 1023}, {2, 1025}};
  for (const Device device : test::devices()) {
    for (const Shape& shape : shapes) {
      CAPTURE(shape.text());
      test::check_gradients(
          {.op = [](std::span<const Variable> in) { return log_softmax(in[0]); },
           .reference = [](std::span<const reference::Array> in) { return reference::log_softmax(in[0]); },
           .inputs = {test::uniform(shape, -4, 4, 1, device)}});
    }
  }
}

TEST_CASE("log_softmax: a constant added to a row changes nothing") {
  Tensor x = test::uniform({3, 17}, -4, 4, 1);
  const Tensor y = log_softmax(Variable(x)).data();
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] += 64;  // 64: the sum loses 4 bits at most
  CHECK_CLOSE(log_softmax(Variable(x)).data(), test::array(y), 2e-5);
}

TEST_CASE("log_softmax: huge and tiny logits stay finite, and exp sums to 1") {
  const Tensor x = Tensor::from<float>({2, 3}, std::vector<float>{1000, 0, -1000, -1e30f, -1e30f, -1e30f});
  const std::vector<float> y = log_softmax(Variable(x)).data().to_vector<float>();
  CHECK(y[0] == 0);
  CHECK(y[1] == -1000);
  CHECK(y[2] == -2000);
  CHECK(y[4] == doctest::Approx(-1.0986123));
}

TEST_CASE("log_softmax: a row of 262144 classes is as exact as a short one") {
  const Tensor x = test::uniform({1, 262144}, -4, 4, 1);
  CHECK_CLOSE(log_softmax(Variable(x)).data(), reference::log_softmax(test::array(x)),
              test::tolerance::kElementwise);
}

TEST_CASE("log_softmax: PyTorch's results") {
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("log_softmax");
  const Variable x(golden.tensor("x"), true);
  const Variable y = log_softmax(x);
  CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kElementwise);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kSum);
}

TEST_CASE("log_softmax: errors") {
  CHECK_THROWS_WITH_AS(log_softmax(Variable(Tensor::zeros({3}))),
                       "log_softmax: wanted [rows, classes], got [3]", Error);
  CHECK_THROWS_WITH_AS(log_softmax(Variable(Tensor::zeros({3, 2}, DType::i32))),
                       "log_softmax: wanted x of type f32, got i32", Error);
}
