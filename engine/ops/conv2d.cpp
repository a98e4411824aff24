// y = conv(x, w) + bias     dx = conv^T(dy, w)     dw = correlation of x and dy     dbias = sum of dy's rows
// x [N,H,W,C], w [K,R,R,C/groups], bias [K], y [N,P,Q,K]. Saves x if w needs a gradient, w if x does, never
// y. Where x is bf16, w is rounded to bf16 first, or its copy taken, and dw comes as bf16: libraries sum it in f32
// but do not write that.
#include "engine/ops/conv2d.h"

#include <string>

#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/bias.h"
#include "engine/ops/relu.h"
#include "engine/ops/sum.h"

namespace tern {
namespace {

Shape output_shape(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution) {
  const Window window = convolution.window;
  check_rank("conv2d", x, 4, "x [N, H, W, C]");
  check_rank("conv2d", w, 4, "w [K, R, R, C / groups]");
  check_activation("conv2d", "x", x);
  check_dtype("conv2d", "w", w, x.dtype());
  if (window.kernel < 1 || window.stride < 1 || window.padding < 0) {
    throw Error("conv2d", "kernel >= 1, stride >= 1, padding >= 0",
                std::to_string(window.kernel) + ", " + std::to_string(window.stride) + ", " +
                    std::to_string(window.padding));
  }
  check_groups(x.size(3), w.size(0), convolution.groups);
  check_shape("conv2d", "w", w, {w.size(0), window.kernel, window.kernel, x.size(3) / convolution.groups});
  if (bias != nullptr) {
    check_dtype("conv2d", "bias", *bias, DType::f32);
    check_shape("conv2d", "bias", *bias, {w.size(0)});
  }
  const std::int64_t smallest = window.kernel - 2 * std::int64_t{window.padding};
  if (x.size(1) < smallest || x.size(2) < smallest) {
    throw Error("conv2d", "height and width of at least " + std::to_string(smallest), x.shape().text());
  }
  return {x.size(0), window.output_extent(x.size(1)), window.output_extent(x.size(2)), w.size(0)};
}

// w as the convolution reads it, in x's type.
Tensor in_type_of(const Tensor& x, const Variable& w) {
  if (w.data().dtype() == x.dtype()) return w.data();
  check_activation("conv2d", "x", x);
  check_dtype("conv2d", "w", w.data(), DType::f32);
  if (w.bf16_copy().defined()) return w.bf16_copy();
  Tensor rounded = Tensor::empty(w.shape(), x.dtype(), w.data().device());
  convert(w.data(), rounded);
  return rounded;
}

// dx, added to the gradient that x has from other ops if the device can do that on the way.
Tensor data_gradient(const Tensor& dy, const Tensor& w, const Convolution& convolution, const Shape& x_shape,
                     Tensor& sum) {
  Backend& backend = backend_of(dy);
  if (sum.defined() && sum.dtype() == dy.dtype() &&
      backend.conv2d_add_backward_data(dy, w, convolution, sum)) {
    return std::move(sum);
  }
  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
  backend.conv2d_backward_data(dy, w, convolution, dx);
  return dx;
}

// y for shapes with nothing to sum or nothing to write, which a convolution library may refuse.
bool is_degenerate(const Tensor& x, const Tensor& y) {
  return x.numel() == 0 || y.numel() == 0;
}

}  // namespace

void check_groups(std::int64_t in, std::int64_t out, int groups) {
  if (groups < 1) throw Error("conv2d", "groups >= 1", std::to_string(groups));
  if (in % groups == 0 && out % groups == 0) return;
  throw Error("conv2d", "channels that " + std::to_string(groups) + " groups divide evenly",
              std::to_string(in) + " in, " + std::to_string(out) + " out");
}

Tensor conv2d_fused(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution,
                    const Epilogue& epilogue, PackedWeights* kept) {
  Tensor y = Tensor::empty(output_shape(x, w, bias, convolution), x.dtype(), x.device());
  if (epilogue.residual != nullptr) {
    check_dtype("conv2d", "residual", *epilogue.residual, x.dtype());
    check_shape("conv2d", "residual", *epilogue.residual, y.shape());
  }
  Backend& backend = backend_of(x);
  if (is_degenerate(x, y)) {
    fill(0, y);
  } else if (backend.conv2d_forward(x, w, bias, convolution, epilogue, y, kept)) {
    return y;
  } else {
    check(backend.conv2d_forward(x, w, nullptr, convolution, {}, y, kept), "conv2d", "a convolution", "none");
  }
  if (bias != nullptr) add_bias(*bias, y);
  if (epilogue.residual != nullptr) add(y, *epilogue.residual, y);
  if (epilogue.relu) relu_forward(y, y);
  return y;
}

Variable conv2d(const Variable& x, const Variable& w, const Variable& bias, const Convolution& convolution) {
  const Tensor used_w = in_type_of(x.data(), w);
  Tensor y = conv2d_fused(x.data(), used_w, bias.defined() ? &bias.data() : nullptr, convolution);
  if (!will_record({&x, &w, &bias})) return Variable(std::move(y));
  const bool for_bias = bias.requires_grad(), degenerate = is_degenerate(x.data(), y);
  const Shape x_shape = x.shape(), w_shape = w.shape();
  const Tensor saved_x = w.requires_grad() ? x.data() : Tensor();
  const Tensor saved_w = x.requires_grad() ? used_w : Tensor();
  return record("conv2d", {x, w, bias}, std::move(y),
                [saved_x, saved_w, x_shape, w_shape, convolution, for_bias, degenerate](
                    const Tensor& dy, Grads& sums) -> Grads {
                  const auto zeros = [&dy](const Shape& shape) {
                    Tensor gradient = Tensor::empty(shape, dy.dtype(), dy.device());
                    fill(0, gradient);
                    return gradient;
                  };
                  Tensor dx, dw, dbias;
                  if (saved_w.defined()) {
                    dx = degenerate ? zeros(x_shape)
                                    : data_gradient(dy, saved_w, convolution, x_shape, sums[0]);
                  }
                  if (saved_x.defined() && degenerate) {
                    dw = zeros(w_shape);
                  } else if (saved_x.defined()) {
                    dw = Tensor::empty(w_shape, dy.dtype(), dy.device());
                    backend_of(dy).conv2d_backward_weight(saved_x, dy, convolution, dw);
                  }
                  if (for_bias) {
                    dbias = Tensor::empty({w_shape[0]}, DType::f32, dy.device());
                    sum_rows(dy, dbias);
                  }
                  return {dx, dw, dbias};
                });
}

}  // namespace tern
