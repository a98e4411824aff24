// Mirroring and rotation about the centre, nearest neighbour, black outside: Pillow's results to the byte.
#pragma once

#include <cstdint>
#include <span>

#include "data/image_io.h"
#include "kernels/augment.h"

namespace tern {

/// to = rotate(flip(from)): mirrored left to right first if `flip`, then turned counter-clockwise by
/// `degrees` (any finite value). Both [height, width, 3]; they must not overlap. Does not allocate.
void flip_and_rotate(std::span<const std::uint8_t> from, int width, int height, bool flip, double degrees,
                     std::span<std::uint8_t> to);

/// The same for any map of the output's pixels to the input's, such as a shear.
void flip_and_map(std::span<const std::uint8_t> from, int width, int height, bool flip,
                  const kernels::InverseRotation& inverse, std::span<std::uint8_t> to);

/// A coordinate in 16.16 fixed point, rounded half up; in 64 bits, so that no image is too wide for it.
std::int64_t pixel_fixed(double value);

/// Where the pixels of an image turned by `degrees` (finite) come from; `flip` happens before.
kernels::InverseRotation inverse_rotation(double degrees, int width, int height);

Image flip_horizontal(const Image& image);
Image rotate(const Image& image, double degrees);

}  // namespace tern
