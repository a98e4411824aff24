// Values one by one: what the tape adds gradients with, and what many ops need. Type T; y may alias any input
// of its shape.
#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

void fill(float value, Tensor& y);  ///< y = value

// One operand has y's shape. The other has it too, or is used again for every row (as many values as y's last
// axis) or for every value (one value).
void add(const Tensor& a, const Tensor& b, Tensor& y);  ///< y = a + b
void sub(const Tensor& a, const Tensor& b, Tensor& y);  ///< y = a - b
void mul(const Tensor& a, const Tensor& b, Tensor& y);  ///< y = a * b
void div(const Tensor& a, const Tensor& b, Tensor& y);  ///< y = a / b

void affine(const Tensor& x, float factor, float offset, Tensor& y);  ///< y = factor * x + offset
void exp(const Tensor& x, Tensor& y);                                 ///< y = e^x
void log(const Tensor& x, Tensor& y);                                 ///< y = ln x
/// y = x in y's type; each is f32 or bf16, on every device. bf16 rounds to nearest, ties to even. y may alias
/// x if the types are equal.
void convert(const Tensor& x, Tensor& y);

}  // namespace tern
