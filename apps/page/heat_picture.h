// A heat map drawn over its image.
#pragma once

#include <cstdint>
#include <span>

#include "data/image_io.h"

namespace tern {

/// `heat`: [rows, columns] over the whole image, none negative; between the middles of its places it is interpolated. Where it
/// is 0 the picture is dark grey, then purple, red and yellow up to the map's largest value, the image showing through.
Image heat_picture(const Image& image, std::span<const float> heat, std::int64_t rows, std::int64_t columns);

}  // namespace tern
