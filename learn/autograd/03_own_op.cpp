// Autograd 3, an op of the engine: y = x / (1 + e^-x), which is called SiLU or swish (Ramachandran, Zoph and Le 2017).
//
// In tern an op computes on Tensors, which know nothing of gradients, and `record`s its way back (engine/autograd/variable.h); the
// tape calls that once, with dy, and adds up what it returns. What the way back needs is what the closure holds. It is written
// here of the engine's primitives for values one by one (engine/backend/elementwise.h), so that it runs on every device.
// The grade is the suite's own gradient check (tests/support/gradcheck.h), against doubles. To do: the way back.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/variable.h"
#include "engine/backend/elementwise.h"
#include "tests/support/gradcheck.h"

using namespace tern;

// 1 / (1 + e^-x)
Tensor sigmoid(const Tensor& x) {
  Tensor s = Tensor::empty_like(x), one = Tensor::empty_like(x);
  affine(x, -1, 0, s);
  exp(s, s);
  affine(s, 1, 1, s);
  fill(1, one);
  div(one, s, s);
  return s;
}

// ---- your code
// dy/dx = s + y (1 - s), with s = 1 / (1 + e^-x).
Variable silu(const Variable& x) {
  const Tensor s = sigmoid(x.data());
  Tensor y = Tensor::empty_like(s);
  mul(x.data(), s, y);
  return record("silu", {x}, y, [s, y](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::zeros_like(dy);
    // Your code: dx = dy (s + y (1 - s)), with affine, mul and add; each may write over an input of its own.
    return {dx};
  });
}
// ---- the test

TEST_CASE("silu: values and gradients") {
  for (const Device device : test::devices()) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{7, 3}, Shape{2, 3, 5, 17}}) {
      CAPTURE(shape.text());
      test::check_gradients({.op = [](std::span<const Variable> in) { return silu(in[0]); },
                             .reference =
                                 [](std::span<const reference::Array> in) {
                                   reference::Array y = in[0];
                                   for (double& value : y.values) value /= 1 + std::exp(-value);
                                   return y;
                                 },
                             .inputs = {test::uniform(shape, -4, 4, 1, device)}});
    }
  }
}
