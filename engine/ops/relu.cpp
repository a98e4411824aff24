// y = max(x, 0)      dx = 0 where y <= 0, else dy: NaN has dy, as in PyTorch
// Any shape. Saves y, which its consumer keeps anyway.
#include "engine/ops/relu.h"

#include "engine/backend/backend.h"

namespace tern {

Variable relu(const Variable& x) {
  check_activation("relu", "x", x.data());
  Tensor y = Tensor::empty_like(x.data());
  backend_of(y).relu_forward(x.data(), y);
  return record("relu", {x}, y, [y](const Tensor& dy) -> Grads {
    Tensor dx = dy.sole_owner() ? dy : Tensor::empty_like(dy);
    backend_of(dy).relu_backward(y, dy, dx);
    return {dx};
  });
}

}  // namespace tern
