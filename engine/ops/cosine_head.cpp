// y = scale xhat what^T, xhat = x / |x|, what = w / |w|
// dxhat = scale dy what       dx = (dxhat - xhat (xhat . dxhat)) / |x|       dw likewise
// dscale = sum dy y / scale
// x [rows, D], w [classes, D], scale [1], y [rows, classes]. Saves its inputs, y and the norms.
#include "engine/ops/cosine_head.h"

#include "engine/backend/dispatch.h"
#include "engine/ops/cpu/cosine_head.h"
#include "kernels/cosine_head.h"

namespace tern {
namespace {

// On a device: its products between kernels.
//   forward    xhat = scale x / |x|, what = w / |w|;  y = xhat what^T
//   backward   xhat = x / |x|, what = w / |w|;  dxhat = dy what, dwhat = dy^T xhat;  then dx, dw, dscale.
//              Unit rows are made again rather than kept: they are as large as x and w.
// Templates, for they name kernels (engine/backend/dispatch.h).
template <typename Device>
void cosine_head_forward(Device& device, const Tensor& x, const Tensor& w, const Tensor& scale, bool tf32,
                         Tensor& y, Tensor& x_inverse_norm, Tensor& w_inverse_norm) {
  Tensor x_unit = Tensor::empty_like(x), w_unit = Tensor::empty_like(w);
  kernels::cosine_normalize(x.data<float>(), w.data<float>(), scale.data<float>(), x_unit.data<float>(),
                            w_unit.data<float>(), x_inverse_norm.data<float>(), w_inverse_norm.data<float>(),
                            x.size(0), w.size(0), x.size(1), device.stream());
  device.matmul(x_unit, w_unit, {.transpose_b = true, .tf32 = tf32}, y);
}

template <typename Device>
void cosine_head_backward(Device& device, const Tensor& x, const Tensor& w, const Tensor& scale, bool tf32,
                          const Tensor& x_inverse_norm, const Tensor& w_inverse_norm, const Tensor& dy,
                          Tensor& dx, Tensor& dw, Tensor& dscale) {
  const std::int64_t rows = dy.size(0), classes = dy.size(1), width = x.size(1);
  Tensor x_unit = Tensor::empty_like(x), w_unit = Tensor::empty_like(w);
  kernels::cosine_normalize<float>(x.data<float>(), w.data<float>(), /*scale=*/nullptr, x_unit.data<float>(),
                                   w_unit.data<float>(), nullptr, nullptr, rows, classes, width,
                                   device.stream());
  device.matmul(dy, w_unit, {.tf32 = tf32}, dx);
  device.matmul(dy, x_unit, {.transpose_a = true, .tf32 = tf32}, dw);
  void* const memory =
      device.workspace("cosine_backward", rows, classes, kernels::cosine_backward_workspace_bytes(rows));
  kernels::cosine_backward(x.data<float>(), w.data<float>(), scale.data<float>(),
                           x_inverse_norm.data<float>(), w_inverse_norm.data<float>(), dx.data<float>(),
                           dw.data<float>(), dscale.data<float>(), memory, rows, classes, width,
                           device.stream());
}

}  // namespace

Variable cosine_head(const Variable& x, const Variable& w, const Variable& scale, bool tf32) {
  check_rank("cosine_head", x.data(), 2, "x [rows, D]");
  check_rank("cosine_head", w.data(), 2, "w [classes, D]");
  check_dtype("cosine_head", "x", x.data(), DType::f32);
  check_dtype("cosine_head", "w", w.data(), DType::f32);
  check_dtype("cosine_head", "scale", scale.data(), DType::f32);
  check_shape("cosine_head", "w", w.data(), {w.data().size(0), x.data().size(1)});
  check_shape("cosine_head", "scale", scale.data(), {1});
  const Tensor &in = x.data(), &weight = w.data(), &factor = scale.data();
  const std::int64_t rows = in.size(0), classes = weight.size(0);
  Tensor y = Tensor::empty({rows, classes}, DType::f32, in.device());
  Tensor x_inverse = Tensor::empty({rows}, DType::f32, in.device());
  Tensor w_inverse = Tensor::empty({classes}, DType::f32, in.device());
  dispatch(
      in, [&] { cpu::cosine_head_forward(in, weight, factor, y, x_inverse, w_inverse); },
      [&](auto& device) { cosine_head_forward(device, in, weight, factor, tf32, y, x_inverse, w_inverse); });
  return record("cosine_head", {x, w, scale}, y,
                [in, weight, factor, y, x_inverse, w_inverse, tf32](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty_like(in), dw = Tensor::empty_like(weight),
                         dscale = Tensor::empty_like(factor);
                  dispatch(
                      dy,
                      [&] {
                        cpu::cosine_head_backward(in, weight, factor, y, x_inverse, w_inverse, dy, dx, dw,
                                                  dscale);
                      },
                      [&](auto& device) {
                        cosine_head_backward(device, in, weight, factor, tf32, x_inverse, w_inverse, dy, dx,
                                             dw, dscale);
                      });
                  return {dx, dw, dscale};
                });
}

}  // namespace tern
