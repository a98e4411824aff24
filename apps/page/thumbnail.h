// Small pictures within a page.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/image_io.h"
#include "data/image_source.h"

namespace tern {

/// A JPEG as a "data:" address, which an <img> shows without loading anything.
std::string jpeg_url(const Image& image, int quality);

/// A JPEG of the whole image as base64, in a square of `side` pixels; smaller ones stay as they are.
std::string thumbnail(const Image& image, int side);

/// The same as an address.
std::string thumbnail_url(const Image& image, int side);

/// Of images of a source, which are read with all threads, showing progress as `label`. Throws Error naming the first that
/// cannot be read.
std::vector<std::string> thumbnails(const ImageSource& source, const std::vector<std::string>& names,
                                    int side, const char* label);

inline constexpr std::string_view kJpegUrl = "data:image/jpeg;base64,";

}  // namespace tern
