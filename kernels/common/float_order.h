// Floats as integers of the same order: for atomicMax, and to compare values together with their indices.
#pragma once

#include <cstdint>

#include "kernels/common/kernel.h"

namespace tern::kernels {

/// Greater for greater values, -0 and 0 alike, NaN above all; never 0, which can stand for "none".
__device__ inline std::uint32_t order_of(float value) {
  if (isnan(value)) return 0xffffffffu;
  const auto bits = __builtin_bit_cast(std::uint32_t, value + 0.0f);  // -0 + 0 is 0
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
__device__ inline float value_of(std::uint32_t order) {
  return __builtin_bit_cast(float, (order & 0x80000000u) != 0 ? order & 0x7fffffffu : ~order);
}

}  // namespace tern::kernels
