// y = x in another type      dx = dy in x's type
// Any shape. Saves nothing.
#include "engine/ops/cast.h"

#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"

namespace tern {

Variable cast(const Variable& x, DType dtype) {
  if (dtype == x.data().dtype()) return x;
  Tensor y = Tensor::empty(x.shape(), dtype, x.data().device());
  check_activation("cast", "x", x.data());
  check_activation("cast", "y", y);
  convert(x.data(), y);
  return record("cast", {x}, std::move(y), [type = x.data().dtype()](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty(dy.shape(), type, dy.device());
    convert(dy, dx);
    return {dx};
  });
}

}  // namespace tern
