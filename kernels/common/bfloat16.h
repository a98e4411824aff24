// bfloat16: the upper half of an f32. Kernels store it and compute in f32.
#pragma once

#include <cstdint>

#include "kernels/common/compiler.h"

#if defined(TERN_NVCC)
#include <cuda_bf16.h>
#endif

namespace tern {

/// The upper 16 bits of an f32, rounded to nearest, ties to even; NaN stays NaN.
struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  TERN_HOST_DEVICE explicit bfloat16(float value) {
#if defined(__CUDA_ARCH__)
    bits = __bfloat16_as_ushort(__float2bfloat16_rn(value));  // one instruction
#else
    const std::uint32_t whole = __builtin_bit_cast(std::uint32_t, value);
    const bool is_nan = (whole & 0x7fffffffu) > 0x7f800000u;
    const std::uint32_t rounded = whole + 0x7fffu + ((whole >> 16) & 1u);
    bits = static_cast<std::uint16_t>((is_nan ? (whole | 0x400000u) : rounded) >> 16);
#endif
  }
  TERN_HOST_DEVICE explicit operator float() const {
    return __builtin_bit_cast(float, std::uint32_t{bits} << 16);
  }
};
static_assert(sizeof(bfloat16) == 2);

}  // namespace tern
