// Convolution of images with square windows.
#pragma once

#include <cstdint>

#include "engine/autograd/variable.h"
#include "engine/backend/backend.h"

namespace tern {

/// y[n,p,q,k] = bias[k] + sum_rsc x[n, p stride + r - padding, q stride + s - padding, g D + c] w[k,r,s,c],
/// with zeros outside; of G = groups, k is in group g = k G / K, rounded down, and sums over its D = C / G
/// channels. x [N,H,W,C] f32 or bf16, w [K,R,R,D] with R = window.kernel, bias [K] or undefined, f32.
/// y [N,P,Q,K] with P, Q = window.output_extent(H, W) has x's type. With bf16 x, w is rounded to it, and so
/// is w's gradient. Throws Error if shapes do not fit, if G does not divide C and K, or if an output extent
/// would be below 1. On the CPU a NaN or infinity of x may also make NaN of y in neighbouring groups, where
/// groups have fewer than eight channels.
Variable conv2d(const Variable& x, const Variable& w, const Variable& bias, const Convolution& convolution);
inline Variable conv2d(const Variable& x, const Variable& w, const Convolution& convolution) {
  return conv2d(x, w, Variable(), convolution);
}

/// For inference: relu(conv2d(x, w) + bias + residual) in one pass, with nothing recorded. bias may be null;
/// the residual has the output's shape and x's type, and so has w. The ReLU hands NaN on; on the CPU it may
/// give |y| 2^-100 where it should give 0, and infinity where -infinity would be made 0. `kept`: where calls with the same w keep what they make of it, or null.
Tensor conv2d_fused(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution,
                    const Epilogue& epilogue = {}, PackedWeights* kept = nullptr);

/// Throws Error unless `groups` is at least 1 and divides the channels in and out.
void check_groups(std::int64_t in, std::int64_t out, int groups);

}  // namespace tern
