// y_i = x_i - log sum_j exp(x_j)      dx = dy - exp(y) sum_j dy_j
// x, y: [rows, classes]. Saves y only.
#include "engine/ops/log_softmax.h"

#include "engine/backend/backend.h"

namespace tern {

Variable log_softmax(const Variable& x) {
  check_rank("log_softmax", x.data(), 2, "[rows, classes]");
  check_dtype("log_softmax", "x", x.data(), DType::f32);
  Tensor y = Tensor::empty_like(x.data());
  backend_of(y).log_softmax_forward(x.data(), y);
  return record("log_softmax", {x}, y, [y](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(y);
    backend_of(y).log_softmax_backward(y, dy, dx);
    return {dx};
  });
}

}  // namespace tern
