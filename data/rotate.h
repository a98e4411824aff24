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

/// Where the pixels of an image turned by `degrees` (finite) come from; `flip` happens before.
kernels::InverseRotation inverse_rotation(double degrees, int width, int height);

Image flip_horizontal(const Image& image);
Image rotate(const Image& image, double degrees);

}  // namespace tern
