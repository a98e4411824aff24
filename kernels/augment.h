// A batch from images that are on the device: pick, enlarge, flip, rotate and normalise in one launch. The
// same bits as data/augment.h on the CPU, since the kernel computes with integers alone and looks its floats
// up.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// Where the pixels of a rotated image come from, in 16.16 fixed point: output (x, y) is the input pixel
/// floor((xx x + xy y + x0) / 65536), floor((yx x + yy y + y0) / 65536). Computed on the host alone
/// (data/rotate.h: inverse_rotation), because sines of two machines may differ in the last bit.
struct InverseRotation {
  std::int64_t xx = 65536, xy = 0, x0 = 32768, yx = 0, yy = 65536, y0 = 32768;  ///< no rotation
};

/// The augmentation of one image of the batch, drawn on the host (data/augment.h: draw_augmentation).
struct AugmentImage {
  const std::uint8_t* pixels = nullptr;  ///< [source_size, source_size, 3] on the device
  InverseRotation rotation;              ///< of size x size pixels; nearest neighbour, zero fill
  bool flip = false;                     ///< before the rotation
};

/// images: device memory, [count]. y [count, size, size, 3]: (byte / 255 - mean[c]) / deviation[c] by a
/// device table of 3 * 256 floats (channel-major), so that the bits are the CPU's. size is source_size, or
/// twice that: then images are first enlarged as by Pillow's bilinear filter (data/resize.cpp). Throws Error
/// for other sizes, and beyond 4096.
template <typename T>
void augment(const AugmentImage* images, const float* table, T* y, std::int64_t count, int source_size,
             int size, Stream stream);

}  // namespace tern::kernels
