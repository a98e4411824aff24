// Every kind of file against Pillow; damaged files give one clear error.
#include "data/image_io.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "tests/fuzz/checksum.h"
#include "tests/support/decoded.h"
#include "tests/support/images.h"
#include "tests/support/temporary_folder.h"

using namespace tern;

namespace {

std::string decode_error(std::span<const std::byte> bytes) {
  try {
    decode_image(bytes, "some/name.jpg");
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool decodes(std::span<const std::byte> bytes) {
  try {
    decode_image(bytes, "image");
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// A PNG of right checksums without any pixels: a first chunk of that name, with what a header has, and the end.
std::vector<std::byte> png_of(std::uint32_t width, std::uint32_t height, const std::string& first) {
  const auto number = [](std::size_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
    return bytes;
  };
  const auto chunk = [&](const std::string& name, const std::string& contents) {
    return number(contents.size()) + name + contents + number(fuzz::crc32(name + contents));
  };
  const std::string header = number(width) + number(height) + std::string("\x08\x02\0\0\0", 5);
  const std::string png = "\x89PNG\r\n\x1a\n" + chunk(first, header) + chunk("IEND", "");
  const auto bytes = std::as_bytes(std::span(png));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("image_io: reads what Pillow reads") {
  const auto tolerance = [](const std::string& name) {
    // 5 bits become 8 by other rounding.
    const bool rounded = name.starts_with("colour_16") || name.starts_with("masks_5");
    return name.ends_with(".jpg") || (rounded && name.ends_with(".bmp")) ? 1 : 0;
  };
  CHECK(test::check_decoded("image_io.blocks", tolerance) == 64);
}

TEST_CASE("image_io: a file cut anywhere is an error") {
  for (const auto& named : test::read_blocks("image_io.blocks")) {
    const auto& name = named.first;
    const auto& block = named.second;
    if (name.ends_with(".rgb")) continue;
    for (std::size_t size = 0; size < block.bytes.size(); size += 1 + size / 64) {
      INFO(name, " cut to ", size, " of ", block.bytes.size());
      CHECK_FALSE(decodes(std::span(block.bytes).first(size)));
    }
    CHECK_FALSE(decodes(std::span(block.bytes).first(block.bytes.size() - 1)));
  }
}

TEST_CASE("image_io: errors say what is wrong") {
  auto blocks = test::read_blocks("image_io.blocks");
  CHECK(decode_error({}) == "some/name.jpg: wanted a JPEG, PNG or BMP image, got an empty file");
  CHECK(decode_error(blocks.at("other.gif").bytes).ends_with("a file of another format"));
  auto jpeg = blocks.at("colour.jpg").bytes;
  jpeg.resize(jpeg.size() - 40);
  CHECK(decode_error(jpeg).ends_with("a truncated JPEG"));
  for (const std::size_t size : {2, 3, 5, 30, 200}) {  // in the header, in a Huffman table
    jpeg.resize(std::min(jpeg.size(), std::size_t{300}));
    CHECK(decode_error(std::span(jpeg).first(size)).ends_with("a truncated JPEG"));
  }
  auto png = blocks.at("written.png").bytes;
  png[png.size() / 2] ^= std::byte{1};
  CHECK(decode_error(png).find("checksum") != std::string::npos);
  CHECK(decode_error(png_of(2000, 2000, "IHDR")).ends_with("a PNG of more pixels than its data can hold"));
  CHECK(decode_error(png_of(1, 1, "tEXt")).ends_with("a PNG that does not begin with its header"));
  auto bmp = blocks.at("colour_24.bmp").bytes;
  bmp.resize(bmp.size() - 40);
  CHECK(decode_error(bmp).ends_with("a truncated BMP"));

  // 40000 x 40000 pixels claimed: refused before any memory is taken.
  auto huge = blocks.at("colour_24.bmp").bytes;
  huge[18] = huge[22] = std::byte{0x40};
  huge[19] = huge[23] = std::byte{0x9C};
  CHECK(decode_error(huge).find("at most 64 megapixels, got 40000 x 40000") != std::string::npos);
  CHECK(decode_error(png_of(20000, 20000, "IHDR"))
            .ends_with("an image of at most 64 megapixels, got 20000 x 20000"));

  CHECK(decode_error(blocks.at("os2_palette.bmp").bytes).ends_with("got a BMP of OS/2 with a palette"));
  CHECK(decode_error(blocks.at("run_lengths.bmp").bytes).ends_with("got a BMP packed by run lengths"));
  CHECK(decode_error(blocks.at("header_64.bmp").bytes).ends_with("got a BMP of a rare header"));
  CHECK_THROWS_AS(read_image("/nonexistent/x.jpg"), Error);
}

TEST_CASE("image_io: no damage crashes") {
  std::mt19937 random(7);
  for (const auto& [name, block] : test::read_blocks("image_io.blocks")) {
    if (name.ends_with(".rgb")) continue;
    for (int round = 0; round < 100; ++round) {
      std::vector<std::byte> bytes = block.bytes;
      for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
      decodes(bytes);  // either is right; crashes and sanitizer reports are not
    }
  }
}

TEST_CASE("image_io: writes what it reads") {
  const Image image = test::pattern(23, 9);
  CHECK(decode_image(encode_png(image), "png").rgb == image.rgb);
  const test::TemporaryFolder folder;
  write_png(folder.path() / "a.png", image);
  const Image again = read_image(folder.path() / "a.png");
  CHECK(again.width == 23);
  CHECK(again.height == 9);
  CHECK(again.rgb == image.rgb);

  const Image soft = test::smooth(40, 33);
  const std::vector<std::byte> good = encode_jpeg(soft, 95), poor = encode_jpeg(soft, 20);
  CHECK(poor.size() < good.size());
  CHECK(test::difference(decode_image(good, "good").rgb, soft.rgb).mean < 1.0);
  CHECK(test::difference(decode_image(poor, "poor").rgb, soft.rgb).mean < 6.0);

  CHECK_THROWS_AS(encode_jpeg(image, 0), Error);
  CHECK_THROWS_AS(encode_jpeg(Image{}, 90), Error);
  CHECK_THROWS_AS(encode_png(Image{2, 2, {1, 2, 3}}), Error);
}
