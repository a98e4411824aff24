#pragma once

#include <cstdint>
#include <span>

#include "engine/tensor/tensor.h"
#include "kernels/augment.h"

namespace tern {

/// One image of a batch made from images that lie on the device.
struct ResidentImage {
  const Tensor* images = nullptr;     ///< [count, S, S, 3] u8; S is the same for the whole batch
  std::int64_t index = 0;             ///< of these images
  bool flip = false;                  ///< mirrored left to right first
  kernels::InverseRotation rotation;  ///< then turned (data/rotate.h: inverse_rotation)
};

/// A batch from images that lie on the device, in one pass: picked, enlarged to twice their extent where y
/// asks for it, flipped, turned, and normalised by the table (row c: the number for each byte of channel
/// c). table [3, 256], y [n, S, S, 3] or [n, 2 S, 2 S, 3], f32 or bf16. Throws Error on the CPU, where
/// data/loader.h makes the batches.
void augment(std::span<const ResidentImage> images, const Tensor& table, Tensor& y);

}  // namespace tern
