// Images in memory as RGB bytes, and the files they come from: JPEG (data/jpeg.h), and PNG and BMP, which
// stb_image reads. What is written, stb_image writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace tern {

/// Row-major RGB bytes without padding: rgb[(y * width + x) * 3 + channel].
struct Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;
};

/// A header that claims more pixels than this is an error, found before anything is decoded.
inline constexpr std::int64_t kMaxPixels = std::int64_t{64} << 20;

/// Throws Error{name, ...} for less than one pixel or more than kMaxPixels.
void check_pixels(const std::string& name, std::int64_t width, std::int64_t height);

/// What errors about a file that cannot be decoded say was wanted.
inline constexpr const char* kWantedImage = "a JPEG, PNG or BMP image";

/// Decodes the bytes of a JPEG, PNG or BMP file to RGB as Pillow's open().convert("RGB") does, to one grey
/// level (BMPs of 16 bits; all else is equal with libjpeg-turbo 2.1 and later). Grey is repeated in the three
/// channels, an alpha channel is dropped (its colours stay as stored), palettes are looked up, of 16-bit
/// samples the high byte is kept (of grey ones, too, where Pillow makes white of all over 255), EXIF
/// orientation is not applied. Not read: BMPs packed by run lengths, or with an OS/2 palette, and Apple's PNGs.
/// Throws Error{name, ...} if the bytes are empty, of another format, truncated, damaged, too few for their
/// pixels, or over kMaxPixels.
/// `name` is only for that message.
Image decode_image(std::span<const std::byte> bytes, const std::string& name);

/// decode_image of a file; throws Error{path, ...}.
Image read_image(const std::filesystem::path& path);

/// A baseline JPEG; quality in 1..100, chroma is halved up to 90 and kept in full above.
std::vector<std::byte> encode_jpeg(const Image& image, int quality);

/// The bytes of a PNG file, and the file itself (written beside its name and renamed when whole).
std::vector<std::byte> encode_png(const Image& image);
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace tern
