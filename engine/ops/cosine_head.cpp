// y = scale xhat what^T, xhat = x / |x|, what = w / |w|
// dxhat = scale dy what       dx = (dxhat - xhat (xhat . dxhat)) / |x|       dw likewise
// dscale = sum dy y / scale
// x [rows, D], w [classes, D], scale [1], y [rows, classes]. Saves its inputs, y and the norms.
#include "engine/ops/cosine_head.h"

#include "engine/backend/backend.h"

namespace tern {

Variable cosine_head(const Variable& x, const Variable& w, const Variable& scale, bool tf32) {
  check_rank("cosine_head", x.data(), 2, "x [rows, D]");
  check_rank("cosine_head", w.data(), 2, "w [classes, D]");
  check_dtype("cosine_head", "x", x.data(), DType::f32);
  check_dtype("cosine_head", "w", w.data(), DType::f32);
  check_dtype("cosine_head", "scale", scale.data(), DType::f32);
  check_shape("cosine_head", "w", w.data(), {w.data().size(0), x.data().size(1)});
  check_shape("cosine_head", "scale", scale.data(), {1});
  const Device device = x.data().device();
  const std::int64_t rows = x.data().size(0), classes = w.data().size(0);
  Tensor y = Tensor::empty({rows, classes}, DType::f32, device);
  Tensor x_inverse = Tensor::empty({rows}, DType::f32, device);
  Tensor w_inverse = Tensor::empty({classes}, DType::f32, device);
  backend_of(y).cosine_head_forward(x.data(), w.data(), scale.data(), tf32, y, x_inverse, w_inverse);
  return record("cosine_head", {x, w, scale}, y,
                [saved_x = x.data(), saved_w = w.data(), factor = scale.data(), y, x_inverse, w_inverse,
                 tf32](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty_like(saved_x), dw = Tensor::empty_like(saved_w);
                  Tensor dscale = Tensor::empty_like(factor);
                  backend_of(dy).cosine_head_backward(saved_x, saved_w, factor, tf32, y, x_inverse, w_inverse,
                                                      dy, dx, dw, dscale);
                  return {dx, dw, dscale};
                });
}

}  // namespace tern
