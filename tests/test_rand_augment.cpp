// What RandAugment draws. That each operation is torchvision's is tested in test_image_ops.cpp.
#include "data/rand_augment.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "tests/support/images.h"

using namespace tern;

TEST_CASE("rand_augment: torchvision's magnitudes at all 31 bins") {
  constexpr std::array<const char*, kImageOps> kNames{
      "Identity", "ShearX",   "ShearY",    "TranslateX", "TranslateY", "Rotate",       "Brightness",
      "Color",    "Contrast", "Sharpness", "Posterize",  "Solarize",   "AutoContrast", "Equalize"};
  const auto blocks = test::read_blocks("image_ops.blocks");
  for (std::size_t op = 0; op < kNames.size(); ++op) {
    const std::vector<std::byte>& bytes = blocks.at(std::string("magnitudes:") + kNames[op]).bytes;
    std::array<float, RandAugment::kBins> wanted;
    REQUIRE(bytes.size() == sizeof wanted);
    std::memcpy(wanted.data(), bytes.data(), sizeof wanted);
    CAPTURE(kNames[op]);
    for (int bin = 0; bin < RandAugment::kBins; ++bin) {
      const double got = magnitude_of(static_cast<ImageOp>(op), bin, 64);
      // torch.linspace computes several numbers at once, of which one in a few dozen is a bit off.
      CHECK(std::abs(got - double{wanted[static_cast<std::size_t>(bin)]}) <= 1e-7 * std::abs(got));
    }
  }
  CHECK_THROWS_AS(magnitude_of(ImageOp::rotate, 31, 64), Error);
  CHECK_THROWS_AS(magnitude_of(ImageOp::rotate, -1, 64), Error);
}

TEST_CASE("rand_augment: each operation and each sign is as likely; magnitudes are the bin's") {
  RandomStream random(5, random_purpose::test);
  std::array<int, kImageOps> count{}, negative{};
  constexpr int kDraws = 14000;
  for (int i = 0; i < kDraws; ++i) {
    const std::vector<DrawnOp> drawn = draw_operations({.operations = 3, .magnitude = 12}, 64, random);
    REQUIRE(drawn.size() == 3);
    for (const DrawnOp& each : drawn) {
      const auto op = static_cast<std::size_t>(each.op);
      ++count[op];
      negative[op] += each.magnitude < 0 ? 1 : 0;
      REQUIRE(std::abs(each.magnitude) == magnitude_of(each.op, 12, 64));
    }
  }
  for (std::size_t op = 0; op < count.size(); ++op) {
    CAPTURE(op);
    CHECK(std::abs(count[op] - 3000) < 270);  // five deviations
    if (is_signed(static_cast<ImageOp>(op))) {
      CHECK(std::abs(negative[op] - 1500) < 200);
    } else {
      CHECK(negative[op] == 0);
    }
  }
}
