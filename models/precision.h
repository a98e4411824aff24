// How exactly a network computes. Parameters, statistics, sums, features, logits and losses are f32 always.
#pragma once

#include "engine/device/device.h"
#include "engine/tensor/dtype.h"

namespace tern {

enum class Precision {
  fp32,  ///< f32 throughout
  tf32,  ///< f32, but convolutions and heads round the factors of their products to 10 bits of mantissa
  bf16,  ///< the backbone's activations and their gradients, and weights where convolutions read them, are
         ///< bf16; heads are as with tf32
};

const char* name_of(Precision precision);  ///< "fp32", "tf32", "bf16"

/// Of the backbone's input and activations.
DType activation_type(Precision precision);

/// True for fp32 everywhere, and for the others on devices with units for them.
bool has_precision(Device device, Precision precision);

/// Throws Error{"precision", ...} unless the device has it.
void check_precision(Device device, Precision precision);

}  // namespace tern
