// Elements that lie apart in a storage, brought together; and the signs that PyTorch's lazy operations left
// unchanged. All by bits, so for every type.
#pragma once

#include <cstdint>
#include <span>

#include "engine/tensor/tensor.h"

namespace tern {

/// True if elements of these sizes lie one after the other, the last axis' next to each other.
bool is_contiguous(std::span<const std::int64_t> sizes, std::span<const std::int64_t> strides);

/// Copies element [i, j, ...] from `storage` + offset + i * strides[0] + j * strides[1] + ... to `to`, which
/// is contiguous, for all i < sizes[0], j < sizes[1], ... Offset and strides count elements of to.dtype().
/// The caller has seen to it that they lie in the storage, and that `to` has as many.
void gather_strided(const void* storage, std::int64_t offset, std::span<const std::int64_t> sizes,
                    std::span<const std::int64_t> strides, Tensor& to);

/// Integers, f16, bf16, f32, f64 and complex types; not bool, nor those of 8 bits and fewer with a fraction.
bool can_negate(DType dtype);

/// x = -x in place, by the sign bit or in two's complement. can_negate(tensor.dtype()) must hold.
void negate(Tensor& tensor);

/// The sign of the imaginary part turns, in place. is_complex(tensor.dtype()) must hold.
void conjugate(Tensor& tensor);

}  // namespace tern
