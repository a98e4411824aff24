// Values one by one: what the tape adds gradients with, and what many ops need. Any shape, type T but for
// `scalar`; y may alias any input.
#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

void fill(float value, Tensor& y);                         ///< y = value
void add(const Tensor& a, const Tensor& b, Tensor& y);     ///< y = a + b
void add_scaled(float scale, const Tensor& x, Tensor& y);  ///< y += scale * x
/// y = x * factor * scalar[0]; scalar: one f32 on the device.
void multiply(const Tensor& x, float factor, const Tensor& scalar, Tensor& y);
/// y = x in y's type; each is f32 or bf16, on every device. bf16 rounds to nearest, ties to even. y may alias
/// x if the types are equal.
void convert(const Tensor& x, Tensor& y);

}  // namespace tern
