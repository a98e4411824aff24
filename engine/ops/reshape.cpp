// y = x under another shape      dx = dy under x's
// y shares x's memory. Saves x's shape.
#include "engine/ops/reshape.h"

namespace tern {

Variable reshape(const Variable& x, const Shape& shape) {
  return record("reshape", {x}, x.data().reshape(shape),
                [x_shape = x.shape()](const Tensor& dy) -> Grads { return {dy.reshape(x_shape)}; });
}

}  // namespace tern
