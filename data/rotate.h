// Mirroring and rotation about the centre, nearest neighbour, black outside: Pillow's results to the byte.
#pragma once

#include <cstdint>
#include <span>

#include "data/image_io.h"

namespace tern {

/// to = rotate(flip(from)): mirrored left to right first if `flip`, then turned counter-clockwise by
/// `degrees` (any finite value). Both [height, width, 3]; they must not overlap. Does not allocate.
void flip_and_rotate(std::span<const std::uint8_t> from, int width, int height, bool flip, double degrees,
                     std::span<std::uint8_t> to);

Image flip_horizontal(const Image& image);
Image rotate(const Image& image, double degrees);

}  // namespace tern
