#include "engine/autograd/variable.h"

#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/arithmetic.h"
#include "tests/support/tensors.h"

using namespace tern;

TEST_CASE("variable: copies are handles on one value, gradient and history") {
  const Variable x(Tensor::full({2}, 1), true);
  Variable same = x;
  backward(add(x, x), Tensor::full({2}, 1));
  CHECK(same.grad().to_vector<float>() == std::vector<float>{2, 2});
  same.clear_grad();
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("variable: undefined ones want no gradient and have no value") {
  const Variable none;
  CHECK_FALSE(none.defined());
  CHECK_FALSE(none.requires_grad());
  CHECK_FALSE(none.grad().defined());
  CHECK_THROWS_WITH_AS(none.data(), "variable: wanted a value, got an undefined variable", Error);
}

TEST_CASE("variable: nothing is recorded unless an input wants a gradient") {
  const Variable plain(Tensor::full({2}, 1)), wanted(Tensor::full({2}, 1), true);
  CHECK_FALSE(add(plain, plain).requires_grad());
  CHECK(add(plain, wanted).requires_grad());
  CHECK(will_record({&plain, &wanted}));
  CHECK_FALSE(will_record({&plain}));
}

TEST_CASE("variable: NoGrad nests, and ends with its scope") {
  const Variable x(Tensor::full({2}, 1), true);
  {
    const NoGrad outer;
    {
      const NoGrad inner;
      CHECK_FALSE(grad_enabled());
    }
    CHECK_FALSE(grad_enabled());
    CHECK_FALSE(will_record({&x}));
    CHECK_FALSE(add(x, x).requires_grad());
  }
  CHECK(grad_enabled());
  CHECK(add(x, x).requires_grad());
}

TEST_CASE("variable: a recorded op keeps what it saved no longer than itself") {
  const Variable x(Tensor::full({2}, 1), true);
  const auto saved = std::make_shared<int>(0);
  {
    const Variable y =
        record("op", {x}, Tensor::full({2}, 1), [saved](const Tensor& dy) -> Grads { return {dy}; });
    CHECK(saved.use_count() == 2);
    const NoGrad no_grad;
    record("op", {x}, Tensor::full({2}, 1), [saved](const Tensor& dy) -> Grads { return {dy}; });
    CHECK(saved.use_count() == 2);
  }
  CHECK(saved.use_count() == 1);
}

TEST_CASE("variable: freezing a leaf stops its gradient") {
  Variable x(Tensor::full({2}, 1), true);
  x.set_requires_grad(false);
  CHECK_FALSE(add(x, x).requires_grad());
  x.set_requires_grad(true);
  CHECK(add(x, x).requires_grad());
}

TEST_CASE("variable: errors") {
  CHECK_THROWS_WITH_AS(Variable(Tensor::zeros({2}, DType::i32), true),
                       "variable: wanted f32 for a value with a gradient, got i32", Error);
  Variable output = add(Variable(Tensor::full({2}, 1), true), Variable(Tensor::full({2}, 1)));
  CHECK_THROWS_WITH_AS(output.set_requires_grad(false),
                       "variable: wanted a leaf to set requires_grad of, got an op's output", Error);
}

TEST_CASE("variable: a gradient may be given to a leaf") {
  Variable x(Tensor::zeros({2}), true);
  x.set_grad(Tensor::full({2}, 3));
  CHECK(x.grad().to_vector<float>() == std::vector<float>{3, 3});
  CHECK_THROWS_WITH_AS(x.set_grad(Tensor::zeros({3})), doctest::Contains("set_grad: wanted equal shapes"),
                       Error);
  CHECK_THROWS_AS(Variable(Tensor::zeros({2})).set_grad(Tensor::zeros({2})), Error);
}
