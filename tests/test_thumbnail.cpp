// Small pictures within a page.
#include "apps/page/thumbnail.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "engine/core/check.h"
#include "tests/support/files.h"
#include "tests/support/temporary_folder.h"

using namespace tern;

namespace {

Image plain(int width, int height, std::uint8_t grey) {
  return {width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width * height * 3), grey)};
}

std::vector<std::byte> from_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::vector<std::byte> bytes;
  unsigned group = 0;
  int bits = 0;
  for (const char c : text.substr(0, text.find('='))) {
    group = group << 6 | static_cast<unsigned>(digits.find(c));
    if ((bits += 6) >= 8) bytes.push_back(static_cast<std::byte>(group >> (bits -= 8) & 255));
  }
  return bytes;
}

}  // namespace

TEST_CASE("thumbnail: the whole picture within the square, in its own proportions, never enlarged") {
  const auto size_of = [](const Image& image) {
    const Image small = decode_image(from_base64(thumbnail(image, 32)), "thumbnail");
    for (const std::uint8_t value : small.rgb) CHECK(std::abs(value - 100) <= 2);
    return std::pair(small.width, small.height);
  };
  CHECK(size_of(plain(64, 64, 100)) == std::pair(32, 32));
  CHECK(size_of(plain(128, 64, 100)) == std::pair(32, 16));
  CHECK(size_of(plain(30, 200, 100)) == std::pair(4, 32));
  CHECK(size_of(plain(1, 1000, 100)) == std::pair(1, 32));
  CHECK(size_of(plain(20, 10, 100)) == std::pair(20, 10));
  CHECK(thumbnail_url(plain(8, 8, 1), 32) == "data:image/jpeg;base64," + thumbnail(plain(8, 8, 1), 32));
}

TEST_CASE("thumbnails: of the files of a source, in order; the first that cannot be read is named") {
  const test::TemporaryFolder folder;
  std::vector<std::string> names;
  for (int i = 0; i < 70; ++i) {  // more than are read between two updates
    names.push_back(std::to_string(i) + ".png");
    write_png(folder / names.back(), plain(9, 9, static_cast<std::uint8_t>(3 * i)));
  }
  const auto source = ImageSource::open(folder.path());
  const std::vector<std::string> pictures = thumbnails(*source, names, 32, "pictures");
  REQUIRE(pictures.size() == 70);
  for (int i = 0; i < 70; ++i) {
    const Image image = decode_image(from_base64(pictures[static_cast<std::size_t>(i)]), "thumbnail");
    CHECK(std::abs(image.rgb[0] - 3 * i) <= 2);
  }
  CHECK(thumbnails(*source, {}, 32, "pictures").empty());
  test::write_quickly(folder / "66.png", "no image");
  test::write_quickly(folder / "68.png", "no image");
  CHECK_THROWS_WITH_AS(thumbnails(*source, names, 32, "pictures"), doctest::Contains("66.png: wanted"),
                       Error);
}
