// The cosine head: the device's products between the kernels of kernels/cosine_head.h.
//   forward    xhat = scale x / |x|, what = w / |w|;  y = xhat what^T
//   backward   xhat = x / |x|, what = w / |w|;  dxhat = dy what, dwhat = dy^T xhat;  then dx, dw, dscale from
//              them. Unit rows are made again rather than kept: they are as large as x and w.
#include "kernels/cosine_head.h"

#include "engine/backend/kernel/kernel_backend.h"

namespace tern {

void KernelBackend::cosine_head_forward(const Tensor& x, const Tensor& w, const Tensor& scale, bool tf32,
                                        Tensor& y, Tensor& x_inverse_norm, Tensor& w_inverse_norm) {
  Tensor x_unit = Tensor::empty_like(x), w_unit = Tensor::empty_like(w);
  kernels::cosine_normalize(x.data<float>(), w.data<float>(), scale.data<float>(), x_unit.data<float>(),
                            w_unit.data<float>(), x_inverse_norm.data<float>(), w_inverse_norm.data<float>(),
                            x.size(0), w.size(0), x.size(1), stream());
  matmul(x_unit, w_unit, {.transpose_b = true, .tf32 = tf32}, y);
}

void KernelBackend::cosine_head_backward(const Tensor& x, const Tensor& w, const Tensor& scale, bool tf32,
                                         const Tensor& y, const Tensor& x_inverse_norm,
                                         const Tensor& w_inverse_norm, const Tensor& dy, Tensor& dx,
                                         Tensor& dw, Tensor& dscale) {
  const std::int64_t rows = y.size(0), classes = y.size(1), width = x.size(1);
  Tensor x_unit = Tensor::empty_like(x), w_unit = Tensor::empty_like(w);
  kernels::cosine_normalize<float>(x.data<float>(), w.data<float>(), /*scale=*/nullptr, x_unit.data<float>(),
                                   w_unit.data<float>(), nullptr, nullptr, rows, classes, width, stream());
  matmul(dy, w_unit, {.tf32 = tf32}, dx);
  matmul(dy, x_unit, {.transpose_a = true, .tf32 = tf32}, dw);
  void* const memory =
      workspace("cosine_backward", rows, classes, kernels::cosine_backward_workspace_bytes(rows));
  kernels::cosine_backward(x.data<float>(), w.data<float>(), scale.data<float>(),
                           x_inverse_norm.data<float>(), w_inverse_norm.data<float>(), dx.data<float>(),
                           dw.data<float>(), dscale.data<float>(), memory, rows, classes, width, stream());
}

}  // namespace tern
