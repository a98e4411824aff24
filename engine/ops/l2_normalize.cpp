// y = x / max(|x|, epsilon)      dx = (dy - y (y . dy)) / |x|, or dy / epsilon where |x| < epsilon
// x, y: [rows, columns]. Saves y and a number a row.
#include "engine/ops/l2_normalize.h"

#include <string>

#include "engine/backend/backend.h"
#include "engine/core/check.h"

namespace tern {

Variable l2_normalize(const Variable& x, float epsilon) {
  check_rank("l2_normalize", x.data(), 2, "[rows, columns]");
  check_dtype("l2_normalize", "x", x.data(), DType::f32);
  if (!(epsilon > 0)) throw Error("l2_normalize", "epsilon > 0", std::to_string(epsilon));
  Tensor y = Tensor::empty_like(x.data());
  Tensor inverse_norm = Tensor::empty({y.size(0)}, DType::f32, y.device());
  backend_of(y).l2_normalize_forward(x.data(), epsilon, y, inverse_norm);
  return record("l2_normalize", {x}, y, [y, inverse_norm](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(y);
    backend_of(y).l2_normalize_backward(y, inverse_norm, dy, dx);
    return {dx};
  });
}

}  // namespace tern
