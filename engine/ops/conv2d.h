// Convolution of images with square windows.
#pragma once

#include "engine/autograd/variable.h"
#include "engine/backend/backend.h"

namespace tern {

/// y[n,p,q,k] = bias[k] + sum_rsc x[n, p stride + r - padding, q stride + s - padding, c] w[k,r,s,c], with
/// zeros outside. x [N,H,W,C] f32 or bf16, w [K,R,R,C] with R = window.kernel, bias [K] or undefined, f32. y [N,P,Q,K] with
/// P, Q = window.output_extent(H, W) has x's type. With bf16 x, w is rounded to it, and so is w's gradient.
/// Throws Error if shapes do not fit or an output extent would be below 1.
Variable conv2d(const Variable& x, const Variable& w, const Variable& bias, const Convolution& convolution);
inline Variable conv2d(const Variable& x, const Variable& w, const Convolution& convolution) {
  return conv2d(x, w, Variable(), convolution);
}

/// For inference: relu(conv2d(x, w) + bias + residual) in one pass, with nothing recorded. bias may be null;
/// the residual has the output's shape and x's type, and so has w. The ReLU hands NaN on; on the CPU it may
/// give |y| 2^-100 where it should give 0, and infinity where -infinity would be made 0.
Tensor conv2d_fused(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution,
                    const Epilogue& epilogue = {});

}  // namespace tern
