// y = max over the window       dx gets dy at each window's winner, the first of equals
// x [N,H,W,C], y [N,P,Q,C]. Saves one byte an output: the winner's place in its window.
#include "engine/ops/max_pool.h"

#include <algorithm>
#include <string>

#include "engine/core/check.h"

namespace tern {

Variable max_pool(const Variable& x, Window window) {
  const Tensor& in = x.data();
  check_rank("max_pool", in, 4, "x [N, H, W, C]");
  check_activation("max_pool", "x", in);
  if (window.kernel < 1 || window.kernel > 15 || window.stride < 1 || window.padding < 0 ||
      2 * window.padding > window.kernel) {
    throw Error("max_pool", "kernel in 1..15, stride >= 1, padding in 0..kernel/2",
                std::to_string(window.kernel) + ", " + std::to_string(window.stride) + ", " +
                    std::to_string(window.padding));
  }
  const std::int64_t smallest = window.kernel - 2 * std::int64_t{window.padding};
  if (in.size(1) < std::max<std::int64_t>(smallest, 1) || in.size(2) < std::max<std::int64_t>(smallest, 1)) {
    throw Error("max_pool",
                "height and width of at least " + std::to_string(std::max<std::int64_t>(smallest, 1)),
                in.shape().text());
  }
  const Shape shape{in.size(0), window.output_extent(in.size(1)), window.output_extent(in.size(2)),
                    in.size(3)};
  Tensor y = Tensor::empty(shape, in.dtype(), in.device());
  Tensor index = Tensor::empty(shape, DType::u8, in.device());
  if (y.numel() > 0) backend_of(in).max_pool_forward(in, window, y, index);
  return record("max_pool", {x}, std::move(y),
                [index, window, x_shape = in.shape()](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
                  if (dx.numel() > 0) backend_of(dy).max_pool_backward(dy, index, window, dx);
                  return {dx};
                });
}

}  // namespace tern
