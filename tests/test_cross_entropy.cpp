#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/cross_entropy.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using reference::Array;

TEST_CASE("cross_entropy: values and gradients") {
  for (const Device device : test::devices()) {
    for (const Shape& shape :
         {Shape{1, 1}, Shape{0, 4}, Shape{5, 4}, Shape{7, 17}, Shape{64, 88}, Shape{3, 1025}}) {
      for (const float smoothing : {0.0f, 0.1f}) {
        for (const std::int32_t ignored : {-1, 2}) {
          CAPTURE(shape.text());
          CAPTURE(smoothing);
          CAPTURE(ignored);
          std::vector<std::int32_t> targets = test::classes(shape[0], static_cast<std::int32_t>(shape[1]), 3);
          if (targets.size() > 2) targets[2] = ignored;
          const CrossEntropyOptions options{smoothing, ignored};
          test::check_gradients({.op =
                                     [&](std::span<const Variable> in) {
                                       return cross_entropy(in[0], test::integers(targets, device), options);
                                     },
                                 .reference =
                                     [&](std::span<const Array> in) {
                                       return reference::cross_entropy(
                                           in[0], targets, static_cast<double>(smoothing), ignored);
                                     },
                                 .inputs = {test::uniform(shape, -6, 6, 1, device)}});
        }
      }
    }
  }
}

TEST_CASE("cross_entropy: if every row is ignored the loss and its gradient are 0") {
  const Variable logits(test::uniform({3, 4}, -1, 1, 1), true);
  test::poison_free_memory();
  const Variable loss = cross_entropy(logits, test::integers({-1, -1, -1}));
  CHECK(loss.data().item() == 0);
  backward(loss);
  CHECK(test::same_bytes(logits.grad(), Tensor::zeros({3, 4})));
}

TEST_CASE("cross_entropy: certain logits, huge logits, NaN") {
  const auto loss = [](std::vector<float> logits, std::int32_t target) {
    return cross_entropy(Variable(Tensor::from({1, 2}, logits)), test::integers({target})).data().item();
  };
  CHECK(loss({1e30f, -1e30f}, 0) == 0);
  CHECK(loss({1000, 0}, 1) == 1000);
  CHECK(std::isnan(loss({NAN, 0}, 1)));
  CHECK(loss({0, -INFINITY}, 0) == 0);  // a masked class
}

TEST_CASE("cross_entropy: the gradient is multiplied by the one that comes in") {
  const Variable logits(test::uniform({3, 4}, -1, 1, 1), true), same(logits.data(), true);
  const Tensor targets = test::integers({0, 1, 2});
  backward(cross_entropy(logits, targets));
  backward(cross_entropy(same, targets), Tensor::full({1}, -2));
  Array doubled = test::array(logits.grad());
  for (double& value : doubled.values) value *= -2;
  CHECK_CLOSE(same.grad(), doubled, test::tolerance::kElementwise);
}

TEST_CASE("cross_entropy: PyTorch's results") {
  const auto goldens = test::read_goldens("ops.txt");
  for (const char* name : {"cross_entropy", "cross_entropy_plain"}) {
    CAPTURE(name);
    const test::GoldenCase& golden = goldens.at(name);
    const Variable x(golden.tensor("x"), true);
    const CrossEntropyOptions options{static_cast<float>(golden.array("smoothing")[0]), -1};
    const Variable y = cross_entropy(x, test::integers(golden.integers("targets")), options);
    CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kElementwise);
    backward(y, golden.tensor("dy"));
    CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kSum);
  }
}

TEST_CASE("cross_entropy: errors") {
  const Variable logits(Tensor::zeros({2, 3}));
  CHECK_THROWS_WITH_AS(cross_entropy(logits, test::integers({0, 3})),
                       "cross_entropy: wanted targets in 0..2, got 3 in row 1", Error);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, test::integers({-2, 0})),
                       "cross_entropy: wanted targets in 0..2, got -2 in row 0", Error);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, test::integers({0})),
                       "cross_entropy: wanted targets [2], got [1]", Error);
  CHECK_THROWS_WITH_AS(cross_entropy(logits, Tensor::zeros({2})),
                       "cross_entropy: wanted targets of type i32, got f32", Error);
  for (const float smoothing : {-0.1f, 1.0f, NAN}) {
    CHECK_THROWS_WITH_AS(cross_entropy(logits, test::integers({0, 1}), {smoothing, -1}),
                         doctest::Contains("cross_entropy: wanted label smoothing in [0, 1), got"), Error);
  }
}
