// JPEG files to RGB bytes, by libjpeg-turbo: what Pillow, torchvision and OpenCV read them with, hence the
// same pixels.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "data/image_io.h"

namespace tern {

/// A progressive file of more scans than this is an error: each costs a pass over the whole picture and may
/// take but a few bytes of the file. Encoders write about ten.
inline constexpr int kMaxScans = 100;

/// Decodes baseline, progressive and arithmetic-coded JPEGs of 8 bits a sample with 1, 3 or 4 components:
/// the accurate integer transform, chroma interpolated, as Pillow's open().convert("RGB"). Four components
/// are taken for inverted CMYK or YCCK (Adobe's way) with or without Adobe's marker. What stands between
/// segments or behind the end of the image is passed over. Throws Error{name, ...} for a file that is cut or
/// damaged so that pixels are lost, of other depth or components, over kMaxPixels or over kMaxScans.
Image decode_jpeg(std::span<const std::byte> bytes, const std::string& name);

/// Of libjpeg-turbo, such as "2.1.5".
std::string jpeg_version();

}  // namespace tern
