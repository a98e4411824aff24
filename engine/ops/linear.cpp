// y = x w^T + bias      dx = dy w      dw = dy^T x      dbias = sum of dy's rows
// x [rows, in], w [out, in], bias [out], y [rows, out]. Saves x if w needs a gradient, w if x does.
#include "engine/ops/linear.h"

#include "engine/backend/backend.h"
#include "engine/ops/bias.h"
#include "engine/ops/sum.h"

namespace tern {

Variable linear(const Variable& x, const Variable& w, const Variable& bias, bool tf32) {
  check_rank("linear", x.data(), 2, "x [rows, in]");
  check_rank("linear", w.data(), 2, "w [out, in]");
  check_dtype("linear", "x", x.data(), DType::f32);
  check_dtype("linear", "w", w.data(), DType::f32);
  check_shape("linear", "w", w.data(), {w.data().size(0), x.data().size(1)});
  if (bias.defined()) {
    check_dtype("linear", "bias", bias.data(), DType::f32);
    check_shape("linear", "bias", bias.data(), {w.data().size(0)});
  }
  Tensor y = Tensor::empty({x.data().size(0), w.data().size(0)}, DType::f32, x.data().device());
  backend_of(y).matmul(x.data(), w.data(), {.transpose_b = true, .tf32 = tf32}, y);
  if (bias.defined()) add_bias(bias.data(), y);
  if (!will_record({&x, &w, &bias})) return Variable(std::move(y));
  const Tensor saved_x = w.requires_grad() ? x.data() : Tensor();
  const Tensor saved_w = x.requires_grad() ? w.data() : Tensor();
  const bool for_bias = bias.requires_grad();
  return record("linear", {x, w, bias}, std::move(y),
                [saved_x, saved_w, for_bias, tf32](const Tensor& dy) -> Grads {
                  Backend& device = backend_of(dy);
                  Tensor dx, dw, dbias;
                  if (saved_w.defined()) {
                    dx = Tensor::empty({dy.size(0), saved_w.size(1)}, DType::f32, dy.device());
                    device.matmul(dy, saved_w, {.tf32 = tf32}, dx);
                  }
                  if (saved_x.defined()) {
                    dw = Tensor::empty({dy.size(1), saved_x.size(1)}, DType::f32, dy.device());
                    device.matmul(dy, saved_x, {.transpose_a = true, .tf32 = tf32}, dw);
                  }
                  if (for_bias) {
                    dbias = Tensor::empty({dy.size(1)}, DType::f32, dy.device());
                    sum_rows(dy, dbias);
                  }
                  return {dx, dw, dbias};
                });
}

}  // namespace tern
