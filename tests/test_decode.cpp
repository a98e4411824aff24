// Whole image sets into one block of bytes.
#include "data/decode.h"

#include <doctest/doctest.h>

#include "data/resize.h"
#include "tests/support/images.h"
#include "tests/support/temporary_folder.h"

using namespace tern;

namespace {

/// Images 0.png .. (count - 1).png, each of its own size.
void write_images(const std::filesystem::path& folder, int count) {
  for (int i = 0; i < count; ++i)
    write_png(folder / (std::to_string(i) + ".png"), test::pattern(8 + i, 20 - i));
}

std::string error_of(const ImageSource& source, int threads) {
  try {
    decode_all(source, source.names(), 8, threads);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("decode: images in the asked order, whatever the number of threads") {
  const test::TemporaryFolder folder;
  write_images(folder.path(), 12);
  const auto source = ImageSource::open(folder.path());
  const std::vector<std::string> names{"7.png", "0.png", "11.png", "7.png", "4.png"};
  std::vector<std::uint8_t> wanted;
  for (const int i : {7, 0, 11, 7, 4}) {
    const Image image = resize(test::pattern(8 + i, 20 - i), 12, 12);
    wanted.insert(wanted.end(), image.rgb.begin(), image.rgb.end());
  }
  for (const int threads : {0, 1, 2, 5, 40}) CHECK(decode_all(*source, names, 12, threads) == wanted);
  CHECK(decode_all(*source, {}, 12, 2).empty());
}

TEST_CASE("decode: the first bad image is named, whatever the number of threads") {
  const test::TemporaryFolder folder;
  write_images(folder.path(), 12);
  write_file(folder.path() / "9.png", "broken");
  write_file(folder.path() / "3.png", "");
  const auto source = ImageSource::open(folder.path());
  const std::string wanted =
      (folder.path() / "3.png").string() + ": wanted a JPEG, PNG or BMP image, got an empty file";
  for (const int threads : {1, 2, 6}) CHECK(error_of(*source, threads) == wanted);
  CHECK_THROWS_WITH_AS(decode_all(*source, std::vector<std::string>{"77.png"}, 8),
                       doctest::Contains("77.png"), Error);
  CHECK_THROWS_AS(decode_all(*source, source->names(), 0), Error);
  CHECK_THROWS_AS(decode_all(*source, source->names(), 1 << 20), Error);
}
