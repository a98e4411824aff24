#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/cosine_head.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using reference::Array;

namespace {

Variable head(std::span<const Variable> in) {
  return cosine_head(in[0], in[1], in[2]);
}
Array reference_head(std::span<const Array> in) {
  return reference::cosine_head(in[0], in[1], in[2]);
}

}  // namespace

TEST_CASE("cosine_head: values and gradients") {
  struct Case {
    std::int64_t rows, classes, dimension;
  };
  const Case cases[] = {{1, 1, 2}, {0, 3, 4}, {3, 0, 4}, {5, 7, 3}, {7, 5, 17}, {16, 88, 64}};
  for (const Device device : test::devices()) {
    for (const Case& c : cases) {
      for (const float scale : {30.0f, -0.5f, 0.0f}) {
        CAPTURE(c.rows);
        CAPTURE(c.classes);
        CAPTURE(c.dimension);
        CAPTURE(scale);
        test::check_gradients({.op = head,
                               .reference = reference_head,
                               .inputs = {test::uniform({c.rows, c.dimension}, -1, 2, 1, device),
                                          test::uniform({c.classes, c.dimension}, -1, 1, 2, device),
                                          Tensor::full({1}, scale).to(device)}});
      }
    }
  }
}

TEST_CASE("cosine_head: the lengths of x and w do not matter, and cosines stay within 1") {
  const Tensor x = test::uniform({5, 17}, -1, 1, 1), w = test::uniform({3, 17}, -1, 1, 2);
  Tensor longer = x.clone();
  for (std::int64_t i = 0; i < longer.numel(); ++i) longer.data<float>()[i] *= 1024;
  const Variable one(Tensor::full({1}, 1));
  const Tensor y = cosine_head(Variable(x), Variable(w), one).data();
  CHECK_CLOSE(cosine_head(Variable(longer), Variable(w), one).data(), test::array(y),
              test::tolerance::kElementwise);
  for (const float value : y.to_vector<float>()) CHECK(std::fabs(value) <= 1.000001f);
}

TEST_CASE("cosine_head: a row of zeros gives zeros and finite gradients") {
  const Variable x(Tensor::zeros({2, 3}), true), w(test::uniform({4, 3}, -1, 1, 1), true);
  const Variable scale(Tensor::full({1}, 30), true);
  const Variable y = cosine_head(x, w, scale);
  CHECK(test::same_bytes(y.data(), Tensor::zeros({2, 4})));
  backward(y, test::uniform({2, 4}, -1, 1, 2));
  for (const Variable& input : {x, w, scale}) {
    for (const float value : input.grad().to_vector<float>()) CHECK(std::isfinite(value));
  }
}

TEST_CASE("cosine_head: PyTorch's results") {
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("cosine_head");
  const Variable x(golden.tensor("x"), true), w(golden.tensor("w"), true),
      scale(golden.tensor("scale"), true);
  const Variable y = cosine_head(x, w, scale);
  CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kSum);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kGradient);
  CHECK_CLOSE(w.grad(), golden.array("dw"), test::tolerance::kGradient);
  CHECK_CLOSE(scale.grad(), golden.array("dscale"), test::tolerance::kGradient);
}

TEST_CASE("cosine_head: errors") {
  const Variable x(Tensor::zeros({2, 3})), w(Tensor::zeros({4, 3})), scale(Tensor::zeros({1}));
  CHECK_THROWS_WITH_AS(cosine_head(Variable(Tensor::zeros({3})), w, scale),
                       "cosine_head: wanted x [rows, D], got [3]", Error);
  CHECK_THROWS_WITH_AS(cosine_head(x, Variable(Tensor::zeros({4, 2})), scale),
                       "cosine_head: wanted w [4, 3], got [4, 2]", Error);
  CHECK_THROWS_WITH_AS(cosine_head(x, w, Variable(Tensor::zeros({4}))),
                       "cosine_head: wanted scale [1], got [4]", Error);
}
