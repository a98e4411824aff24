// y = a + b      da = dy           db = dy
// y = a - b      da = dy           db = -dy
// y = a b        da = dy b         db = dy a
// y = a / b      da = dy / b       db = -dy y / b
// y = f x + o    dx = f dy
// y = e^x        dx = dy y
// y = ln x       dx = dy / x
// y = sum x      dx = dy, for each value of x; of a mean, dy / n
// A gradient is summed over what its operand was used again for. Each saves the tensors that its gradients
// name, but none for an operand that needs no gradient.
#include "engine/ops/arithmetic.h"

#include <string>
#include <utility>

#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/sum.h"

namespace tern {
namespace {

/// True if x may be used again for every row or value of y.
bool broadcasts_to(const Tensor& x, const Tensor& y) {
  if (x.shape() == y.shape()) return true;
  return x.rank() <= 1 && (x.numel() == 1 || (y.rank() >= 1 && x.numel() == y.size(-1)));
}

/// The result's tensor, of the larger operand's shape.
Tensor result_of(const char* op, const Tensor& a, const Tensor& b) {
  check_activation(op, "a", a);
  check_dtype(op, "b", b, a.dtype());
  if (a.rank() < b.rank() && broadcasts_to(a, b)) return Tensor::empty_like(b);
  if (broadcasts_to(b, a)) return Tensor::empty_like(a);
  if (broadcasts_to(a, b)) return Tensor::empty_like(b);
  throw Error(op, "equal shapes, or a row or a value beside one",
              a.shape().text() + " and " + b.shape().text());
}

/// The gradient of an operand of `shape` from that of all the values it met.
Tensor reduced(const Tensor& gradient, const Shape& shape) {
  if (gradient.shape() == shape) return gradient;
  Tensor sum = Tensor::empty(shape, DType::f32, gradient.device());
  Tensor row = sum.reshape({sum.numel()});
  sum_rows(sum.numel() == 1 ? gradient.reshape({gradient.numel(), 1}) : gradient, row);
  if (gradient.dtype() == DType::f32) return sum;
  Tensor rounded = Tensor::empty(shape, gradient.dtype(), gradient.device());
  convert(sum, rounded);
  return rounded;
}

using TensorBinary = void (*)(const Tensor&, const Tensor&, Tensor&);

/// op(a, b) as a new tensor of a's shape.
Tensor applied(TensorBinary op, const Tensor& a, const Tensor& b) {
  Tensor y = Tensor::empty_like(a);
  op(a, b, y);
  return y;
}

Tensor scaled(const Tensor& x, float factor) {
  Tensor y = Tensor::empty_like(x);
  affine(x, factor, 0, y);
  return y;
}

Tensor kept_for(const Variable& gradient_of, const Tensor& x) {
  return gradient_of.requires_grad() ? x : Tensor();
}

}  // namespace

Variable add(const Variable& a, const Variable& b) {
  Tensor y = result_of("add", a.data(), b.data());
  add(a.data(), b.data(), y);
  return record("add", {a, b}, std::move(y),
                [of_a = a.shape(), of_b = b.shape(), for_a = a.requires_grad(),
                 for_b = b.requires_grad()](const Tensor& dy) -> Grads {
                  return {for_a ? reduced(dy, of_a) : Tensor(), for_b ? reduced(dy, of_b) : Tensor()};
                });
}

Variable sub(const Variable& a, const Variable& b) {
  Tensor y = result_of("sub", a.data(), b.data());
  sub(a.data(), b.data(), y);
  return record(
      "sub", {a, b}, std::move(y),
      [of_a = a.shape(), of_b = b.shape(), for_a = a.requires_grad(),
       for_b = b.requires_grad()](const Tensor& dy) -> Grads {
        return {for_a ? reduced(dy, of_a) : Tensor(), for_b ? reduced(scaled(dy, -1), of_b) : Tensor()};
      });
}

Variable mul(const Variable& a, const Variable& b) {
  Tensor y = result_of("mul", a.data(), b.data());
  mul(a.data(), b.data(), y);
  return record("mul", {a, b}, std::move(y),
                [of_a = a.shape(), of_b = b.shape(), left = kept_for(b, a.data()),
                 right = kept_for(a, b.data())](const Tensor& dy) -> Grads {
                  Tensor da, db;
                  if (right.defined()) da = reduced(applied(mul, dy, right), of_a);
                  if (left.defined()) db = reduced(applied(mul, dy, left), of_b);
                  return {da, db};
                });
}

Variable div(const Variable& a, const Variable& b) {
  Tensor y = result_of("div", a.data(), b.data());
  div(a.data(), b.data(), y);
  return record("div", {a, b}, y,
                [of_a = a.shape(), of_b = b.shape(), divisor = b.data(), quotient = kept_for(b, y),
                 for_a = a.requires_grad()](const Tensor& dy) -> Grads {
                  Tensor da, db;
                  const Tensor over_b = applied(div, dy, divisor);
                  if (for_a) da = reduced(over_b, of_a);
                  if (quotient.defined()) db = reduced(scaled(applied(mul, over_b, quotient), -1), of_b);
                  return {da, db};
                });
}

Variable operator/(float a, const Variable& b) {
  check_activation("div", "b", b.data());
  Tensor dividend = Tensor::empty({}, b.data().dtype(), b.data().device());
  fill(a, dividend);
  return div(Variable(dividend), b);
}

Variable affine(const Variable& x, float factor, float offset) {
  check_activation("affine", "x", x.data());
  Tensor y = Tensor::empty_like(x.data());
  affine(x.data(), factor, offset, y);
  return record("affine", {x}, std::move(y),
                [factor](const Tensor& dy) -> Grads { return {factor == 1 ? dy : scaled(dy, factor)}; });
}

Variable exp(const Variable& x) {
  check_activation("exp", "x", x.data());
  Tensor y = Tensor::empty_like(x.data());
  exp(x.data(), y);
  return record("exp", {x}, y, [y](const Tensor& dy) -> Grads { return {applied(mul, dy, y)}; });
}

Variable log(const Variable& x) {
  check_activation("log", "x", x.data());
  Tensor y = Tensor::empty_like(x.data());
  log(x.data(), y);
  return record("log", {x}, std::move(y),
                [in = x.data()](const Tensor& dy) -> Grads { return {applied(div, dy, in)}; });
}

namespace {

/// factor * sum of x.
Variable scaled_sum(const char* op, const Variable& x, float factor) {
  const Tensor& in = x.data();
  Tensor y = Tensor::empty({1}, DType::f32, in.device());
  sum_rows(in.reshape({in.numel(), 1}), y);
  if (factor != 1) affine(y, factor, 0, y);
  return record(op, {x}, std::move(y),
                [factor, shape = in.shape(), type = in.dtype()](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty(shape, DType::f32, dy.device());
                  fill(factor, dx);
                  mul(dx, dy, dx);
                  if (type == DType::f32) return {dx};
                  Tensor rounded = Tensor::empty(shape, type, dy.device());
                  convert(dx, rounded);
                  return {rounded};
                });
}

}  // namespace

Variable sum(const Variable& x) {
  check_activation("sum", "x", x.data());
  return scaled_sum("sum", x, 1);
}

Variable mean(const Variable& x) {
  check_activation("mean", "x", x.data());
  if (x.data().numel() == 0) throw Error("mean", "one value at least", x.shape().text());
  return scaled_sum("mean", x, 1 / static_cast<float>(x.data().numel()));
}

}  // namespace tern
