// A batch from resident images: pick, resize, flip, rotate, normalise, in one launch; the numbers of
// data/augment.h.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// What one image of the batch gets; drawn on the host, as on the CPU (draw_augmentation).
struct AugmentImage {
  const std::uint8_t* pixels;  ///< [source_size, source_size, 3] on the device
  float degrees;  ///< nearest neighbour, zero fill, data/rotate.cpp's arithmetic; 0 turns nothing
  bool flip;      ///< before the rotation
};

/// images: device memory, [count]. y [count, size, size, 3]: (byte / 255 - mean[c]) / deviation[c] by a
/// device table of 3 * 256 floats (channel-major), so that the bits are the CPU's. source_size = size, or
/// size = 2 source_size, where Pillow's bilinear enlargement (data/resize.cpp) is computed on the way.
template <typename T>
void augment(const AugmentImage* images, const float* table, T* y, std::int64_t count, int source_size,
             int size, Stream stream);

}  // namespace tern::kernels
