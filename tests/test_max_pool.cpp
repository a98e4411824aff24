#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/max_pool.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;

TEST_CASE("max_pool: values and gradients") {
  struct Case {
    Shape x;
    Window window;
  };
  // The ResNet's 3x3/2; windows that overlap, touch and leave gaps; images smaller than the window; channels
  // around a vector.
  const Case cases[] = {
      {{1, 1, 1, 1}, {3, 2, 1}},  {{2, 5, 7, 3}, {3, 2, 1}},    {{1, 8, 8, 64}, {3, 2, 1}},
      {{5, 4, 4, 17}, {2, 2, 0}}, {{1, 7, 6, 8}, {3, 1, 1}},    {{1, 9, 9, 2}, {2, 4, 0}},
      {{1, 2, 3, 4}, {1, 1, 0}},  {{1, 15, 16, 1}, {15, 1, 7}}, {{0, 4, 4, 3}, {3, 2, 1}},
      {{2, 4, 4, 0}, {3, 2, 1}},
  };
  for (const Device device : test::devices()) {
    for (const Case& c : cases) {
      CAPTURE(c.x.text());
      CAPTURE(c.window.kernel);
      CAPTURE(c.window.stride);
      test::check_gradients({.op = [&](std::span<const Variable> in) { return max_pool(in[0], c.window); },
                             .reference =
                                 [&](std::span<const reference::Array> in) {
                                   return reference::max_pool(in[0], c.window.kernel, c.window.stride,
                                                              c.window.padding);
                                 },
                             .inputs = {test::uniform(c.x, -1, 1, 1, device)},
                             .forward_tolerance = 0});
    }
  }
}

TEST_CASE("max_pool: the first of equals gets the gradient; negative images beat the padding") {
  const Variable x(Tensor::full({1, 3, 3, 1}, -2), true);
  const Variable y = max_pool(x, Window{3, 2, 1});
  CHECK(test::same_bytes(y.data(), Tensor::full({1, 2, 2, 1}, -2)));
  backward(y, Tensor::full({1, 2, 2, 1}, 1));
  CHECK(x.grad().to_vector<float>() == std::vector<float>{1, 1, 0, 1, 1, 0, 0, 0, 0});
}

TEST_CASE("max_pool: PyTorch's results, ties included") {
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("max_pool");
  const Variable x(golden.tensor("x"), true);
  const Variable y = max_pool(x, Window{3, 2, 1});
  CHECK_CLOSE(y.data(), golden.array("y"), 0);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kElementwise);
}

TEST_CASE("max_pool: errors") {
  const Variable x(Tensor::zeros({1, 4, 4, 3}));
  CHECK_THROWS_WITH_AS(max_pool(Variable(Tensor::zeros({4, 4})), Window{3, 2, 1}),
                       "max_pool: wanted x [N, H, W, C], got [4, 4]", Error);
  for (const Window window : {Window{16, 1, 0}, Window{0, 1, 0}, Window{3, 0, 1}, Window{3, 2, 2}}) {
    CHECK_THROWS_WITH_AS(max_pool(x, window),
                         doctest::Contains("wanted kernel in 1..15, stride >= 1, padding in 0..kernel/2"),
                         Error);
  }
  CHECK_THROWS_WITH_AS(max_pool(x, Window{7, 1, 1}),
                       "max_pool: wanted height and width of at least 5, got [1, 4, 4, 3]", Error);
}
