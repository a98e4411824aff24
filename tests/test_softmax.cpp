#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/softmax.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;

TEST_CASE("softmax: values and gradients") {
  // Widths around one vector and one block of the blocked sum, the study's heads, no rows.
  const Shape shapes[] = {{1, 1}, {0, 5},  {3, 0},   {7, 4},    {5, 7},
                          {5, 8}, {3, 17}, {64, 88}, {2, 1023}, {2, 1025}};
  for (const Device device : test::devices()) {
    for (const Shape& shape : shapes) {
      CAPTURE(shape.text());
      test::check_gradients(
          {.op = [](std::span<const Variable> in) { return softmax(in[0]); },
           .reference = [](std::span<const reference::Array> in) { return reference::softmax(in[0]); },
           .inputs = {test::uniform(shape, -4, 4, 1, device)}});
    }
  }
}

TEST_CASE("softmax: a constant added to a row changes nothing") {
  Tensor x = test::uniform({3, 17}, -4, 4, 1);
  const Tensor y = softmax(Variable(x)).data();
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] += 64;  // 64: the sum loses 4 bits at most
  CHECK_CLOSE(softmax(Variable(x)).data(), test::array(y), 2e-5);
}

TEST_CASE("softmax: rows sum to 1, huge and masked logits are fine, NaN comes through") {
  const float most = std::numeric_limits<float>::max();
  const Tensor x =
      Tensor::from<float>({3, 3}, std::vector<float>{1000, -INFINITY, 1000, -most, -most, -most, NAN, 0, 0});
  const std::vector<float> y = softmax(Variable(x)).data().to_vector<float>();
  CHECK(y[0] == doctest::Approx(0.5));
  CHECK(y[1] < 1e-37f);
  CHECK(y[2] == doctest::Approx(0.5));
  CHECK(y[4] == doctest::Approx(1.0 / 3));
  CHECK(std::isnan(y[6]));
  for (const float value :
       softmax(Variable(test::uniform({4, 1000}, -9, 9, 1))).data().rows(0, 1).to_vector<float>()) {
    CHECK(value >= 0);
  }
}

TEST_CASE("softmax: a row of 262144 classes is as exact as a short one") {
  const Tensor x = test::uniform({1, 262144}, -4, 4, 1);
  CHECK_CLOSE(softmax(Variable(x)).data(), reference::softmax(test::array(x)), test::tolerance::kElementwise);
}

TEST_CASE("softmax: PyTorch's results") {
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("softmax");
  const Variable x(golden.tensor("x"), true);
  const Variable y = softmax(x);
  CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kElementwise);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kSum);
}

TEST_CASE("softmax: errors") {
  CHECK_THROWS_WITH_AS(softmax(Variable(Tensor::zeros({3}))), "softmax: wanted [rows, classes], got [3]",
                       Error);
  CHECK_THROWS_WITH_AS(softmax(Variable(Tensor::zeros({3, 2}, DType::i32))),
                       "softmax: wanted x of type f32, got i32", Error);
}
