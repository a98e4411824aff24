// y[n,c] = sum_hw x[n,h,w,c] / (H W)      dx[n,h,w,c] = dy[n,c] / (H W)
// x [N,H,W,C] f32 or bf16, y [N,C] f32. Saves x's shape and type alone.
#include "engine/ops/global_average_pool.h"

#include "engine/backend/backend.h"
#include "engine/core/check.h"

namespace tern {

Variable global_average_pool(const Variable& x) {
  const Tensor& in = x.data();
  check_rank("global_average_pool", in, 4, "x [N, H, W, C]");
  check_activation("global_average_pool", "x", in);
  if (in.size(1) < 1 || in.size(2) < 1) {
    throw Error("global_average_pool", "height and width of at least 1", in.shape().text());
  }
  Tensor y = Tensor::empty({in.size(0), in.size(3)}, DType::f32, in.device());
  if (y.numel() > 0) backend_of(in).average_pool_forward(in, y);
  return record("global_average_pool", {x}, std::move(y),
                [x_shape = in.shape(), type = in.dtype()](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty(x_shape, type, dy.device());
                  if (dx.numel() > 0) backend_of(dy).average_pool_backward(dy, dx);
                  return {dx};
                });
}

}  // namespace tern
