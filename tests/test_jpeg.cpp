// Every sampling, colour space and coding of JPEG against Pillow; what is cut, damaged or a bomb gives one
// clear error.
#include "data/jpeg.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <random>

#include "tests/support/decoded.h"
#include "tests/support/files.h"
#include "tests/support/images.h"

using namespace tern;
using Bytes = std::vector<std::byte>;

namespace {

std::string decode_error(std::span<const std::byte> bytes) {
  return test::error_of([&] { decode_jpeg(bytes, "some/name.jpg"); });
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

Bytes bytes_of(std::initializer_list<int> values) {
  Bytes bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

/// Where FF `marker` first stands.
std::size_t find_marker(const Bytes& bytes, int marker) {
  const Bytes wanted = bytes_of({0xFF, marker});
  const auto found = std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end());
  REQUIRE(found != bytes.end());
  return static_cast<std::size_t>(found - bytes.begin());
}

}  // namespace

TEST_CASE("jpeg: Pillow's pixels, whatever the sampling, the colours and the coding") {
  // None differ with libjpeg-turbo 2.1.5.
  CHECK(test::check_decoded("jpeg.blocks", [](const std::string&) { return 1; }) == 59);
}

TEST_CASE("jpeg: a file cut anywhere is an error") {
  for (const auto& named : test::read_blocks("jpeg.blocks")) {
    const auto& name = named.first;
    const auto& block = named.second;
    if (name.ends_with(".rgb") || name == "trailing_data") continue;
    for (std::size_t size = 0; size < block.bytes.size(); size += 1 + size / 64) {
      INFO(name, " cut to ", size, " of ", block.bytes.size());
      CHECK(decode_error(std::span(block.bytes).first(size)) != "no error");
    }
    CHECK(decode_error(std::span(block.bytes).first(block.bytes.size() - 1)) ==
          "some/name.jpg: wanted a JPEG, PNG or BMP image, got a truncated JPEG");
  }
}

TEST_CASE("jpeg: lost data is an error, not grey") {
  const auto blocks = test::read_blocks("jpeg.blocks");
  // The end-of-image marker in the middle of the data.
  Bytes early = blocks.at("422").bytes;
  const std::size_t middle = early.size() - 60;
  early[middle] = std::byte{0xFF};
  early[middle + 1] = std::byte{0xD9};
  CHECK(decode_error(early).ends_with("got a damaged JPEG (premature end of data segment)"));
  // The second restart marker claims to be the sixth.
  Bytes lost = blocks.at("restarts").bytes;
  lost[find_marker(lost, 0xD1) + 1] = std::byte{0xD5};
  CHECK(holds(decode_error(lost), "a damaged JPEG (found marker 0xd5 instead of RST1)"));
  // A Huffman table of more codes than there are bytes.
  Bytes codes = blocks.at("422").bytes;
  const std::size_t table = find_marker(codes, 0xC4);
  codes[table + 18] = codes[table + 19] = std::byte{255};
  CHECK(decode_error(codes).ends_with("got a damaged JPEG (Bogus Huffman table definition)"));
  Bytes length = blocks.at("422").bytes;
  const std::size_t quantisation = find_marker(length, 0xDB);
  length[quantisation + 2] = length[quantisation + 3] = std::byte{0};
  CHECK(holds(decode_error(length), "got a damaged JPEG ("));
}

TEST_CASE("jpeg: what it does not decode is said") {
  const auto blocks = test::read_blocks("jpeg.blocks");
  const auto with_frame = [&](std::size_t offset, int value) {
    Bytes bytes = blocks.at("grey").bytes;
    bytes[find_marker(bytes, 0xC0) + offset] = static_cast<std::byte>(value);
    return bytes;
  };
  CHECK(holds(decode_error(with_frame(4, 12)), "12"));  // bits
  CHECK(holds(decode_error(with_frame(6, 0)), "damaged JPEG"));
  Bytes huge = blocks.at("grey").bytes;
  for (const std::size_t offset : {5, 7}) huge[find_marker(huge, 0xC0) + offset] = std::byte{0xFA};
  CHECK(holds(decode_error(huge), "an image of at most 64 megapixels, got 640"));
  const Bytes empty = bytes_of({0xFF, 0xD8, 0xFF, 0xD9});
  CHECK(holds(decode_error(empty), "a damaged JPEG ("));
  // Two components: no colours that anybody agrees on.
  Bytes two = blocks.at("444").bytes;
  const std::size_t frame = find_marker(two, 0xC0), scan = find_marker(two, 0xDA);
  two.erase(two.begin() + static_cast<std::ptrdiff_t>(scan) + 9,
            two.begin() + static_cast<std::ptrdiff_t>(scan) + 11);
  two[scan + 3] = std::byte{10};
  two[scan + 4] = std::byte{2};
  two.erase(two.begin() + static_cast<std::ptrdiff_t>(frame) + 16,
            two.begin() + static_cast<std::ptrdiff_t>(frame) + 19);
  two[frame + 3] = std::byte{14};
  two[frame + 9] = std::byte{2};
  CHECK(decode_error(two) == "some/name.jpg: wanted a JPEG of 1, 3 or 4 components, got 2");
}

TEST_CASE("jpeg: a small file that asks for endless passes is refused soon") {
  Bytes bomb = test::read_blocks("jpeg.blocks").at("grey_progressive").bytes;
  for (const std::size_t offset : {5, 7}) bomb[find_marker(bomb, 0xC2) + offset] = std::byte{0x1F};
  // Its first scan's header again and again, each with a few bytes of data.
  const std::size_t scan = find_marker(bomb, 0xDA);
  const Bytes header(bomb.begin() + static_cast<std::ptrdiff_t>(scan),
                     bomb.begin() + static_cast<std::ptrdiff_t>(scan) + 10);
  for (int i = 0; i < 20000; ++i) bomb.insert(bomb.end() - 2, header.begin(), header.end());
  const auto start = std::chrono::steady_clock::now();
  CHECK(decode_error(bomb) != "no error");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));

  // Scans that are whole: the last one, which adds a bit to what is there, 200 times.
  Bytes many = test::read_blocks("jpeg.blocks").at("grey_progressive").bytes;
  std::size_t last = many.size();
  while (many[last - 2] != std::byte{0xFF} || many[last - 1] != std::byte{0xDA}) --last;
  const Bytes again(many.begin() + static_cast<std::ptrdiff_t>(last) - 2, many.end() - 2);
  for (int i = 0; i < 200; ++i) many.insert(many.end() - 2, again.begin(), again.end());
  CHECK(decode_error(many) == "some/name.jpg: wanted a JPEG, PNG or BMP image, got a JPEG of over 100 scans");
}

TEST_CASE("jpeg: no damage crashes") {
  std::mt19937 random(7);
  for (const auto& named : test::read_blocks("jpeg.blocks")) {
    const auto& name = named.first;
    const auto& block = named.second;
    if (name.ends_with(".rgb")) continue;
    for (int round = 0; round < 60; ++round) {
      Bytes bytes = block.bytes;
      for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
      decode_error(bytes);  // either is right; crashes and sanitizer reports are not
    }
  }
}
