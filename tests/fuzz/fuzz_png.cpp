// A PNG, whose checksums are set right first: the input has them as it likes.
// Link: tern_data
// Parser: data/image_io.cpp:trouble_in_png,decode_png,encode_png,decode_by_stb,check_pixels
#include "data/image_io.h"
#include "tests/fuzz/checksum.h"
#include "tests/fuzz/fuzzer.h"

using namespace tern;

namespace {

std::string with_checksums(std::string png) {
  const auto number_at = [&png](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(png[at + i]);
    return value;
  };
  for (std::size_t at = 8; at + 12 <= png.size();) {
    const std::size_t length = number_at(at);
    if (length > png.size() - at - 12) break;
    const std::uint32_t crc = fuzz::crc32(std::string_view(png).substr(at + 4, length + 4));
    for (std::size_t i = 0; i < 4; ++i) png[at + 8 + length + i] = static_cast<char>(crc >> (24 - 8 * i));
    at += length + 12;
  }
  return png;
}

}  // namespace

TERN_FUZZER(png) {
  const std::string png = with_checksums(std::string(input));
  fuzz::accepted([&] {
    const Image image = decode_image(fuzz::bytes_of(png), "fuzz.png");
    const std::size_t pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
    fuzz::expect(image.rgb.size() == 3 * pixels, "three bytes a pixel");
    if (pixels > 10'000) return;  // writing takes long
    fuzz::expect(decode_image(encode_png(image), "again.png").rgb == image.rgb, "the same after writing");
  });
}
