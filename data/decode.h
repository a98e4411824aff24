// Every image of a data set decoded once, into one block of bytes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/image_source.h"

namespace tern {

/// Decodes source.read(names[i]) and resizes it (bilinear, aspect ratio not kept, as torchvision's Resize((S,
/// S))) to image_size pixels a side; the result is [names, image_size, image_size, 3] bytes, in the order of
/// `names`. threads <= 0 means thread_count(). Throws Error naming the image; if several fail, always the
/// first in `names`.
std::vector<std::uint8_t> decode_all(const ImageSource& source, std::span<const std::string> names,
                                     int image_size, int threads = 0);

}  // namespace tern
