// 3x3 convolutions of stride 1 and padding 1 by Winograd's minimal filtering: fewer multiplications, as
// products of matrices. Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (CVPR 2016).
#pragma once

#include "engine/backend/backend.h"
#include "engine/backend/cpu/onednn_convolution.h"
#include "engine/backend/packed_weights.h"

namespace tern::winograd {

/// True where these functions apply and pay: f32, 3x3, stride 1, padding 1, one group, channels in eights, enough
/// tiles to earn back the transform of the weights.
bool suits(const ConvolutionShape& shape);

/// y = relu(conv(x, w) + bias + residual). The residual may be y itself. `kept`: or null.
void forward(const Tensor& x, const Tensor& w, const Tensor* bias, const Epilogue& epilogue, Tensor& y,
             PackedWeights* kept = nullptr);
void backward_data(const Tensor& dy, const Tensor& w, Tensor& dx);
void backward_weight(const Tensor& x, const Tensor& dy, Tensor& dw);

}  // namespace tern::winograd
