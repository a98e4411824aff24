// y_i = exp(x_i) / sum_j exp(x_j)      dx = y (dy - sum_j dy_j y_j)
// x, y: [rows, classes]. Saves y only.
#include "engine/ops/softmax.h"

#include "engine/backend/backend.h"

namespace tern {

Variable softmax(const Variable& x) {
  check_rank("softmax", x.data(), 2, "[rows, classes]");
  check_dtype("softmax", "x", x.data(), DType::f32);
  Tensor y = Tensor::empty_like(x.data());
  backend_of(y).softmax_forward(x.data(), y);
  return record("softmax", {x}, y, [y](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(y);
    backend_of(y).softmax_backward(y, dy, dx);
    return {dx};
  });
}

}  // namespace tern
