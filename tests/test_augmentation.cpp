// data/augment.h: its transforms against torchvision's, and the random choices' distribution and
// independence.
#include "data/augment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "data/resize.h"
#include "data/rotate.h"
#include "tests/support/images.h"

using namespace tern;

TEST_CASE("augmentation: flip, rotate, normalise equal torchvision") {
  const Image image = test::pattern(16, 16);
  Augmenter augmenter(16);
  int compared = 0;
  for (const auto& named : test::read_blocks("augment.blocks")) {
    const auto& name = named.first;
    const auto& block = named.second;
    Augmentation augmentation;
    int flip = 0;
    REQUIRE(std::sscanf(name.c_str(), "%d:%f", &flip, &augmentation.degrees) == 2);
    augmentation.flip = flip != 0;
    std::vector<float> wanted(block.bytes.size() / sizeof(float)), got(image.rgb.size());
    std::memcpy(wanted.data(), block.bytes.data(), block.bytes.size());
    augmenter.run(image.rgb, augmentation, got);
    INFO(name);
    CHECK(got == wanted);  // to the bit
    ++compared;
  }
  CHECK(compared == 4);
}

TEST_CASE("augmentation: the stage on bytes") {
  const Image image = test::pattern(20, 20);
  Augmenter augmenter(20);
  std::vector<std::uint8_t> changed(image.rgb.size());
  augmenter.apply(image.rgb, {}, changed);
  CHECK(changed == image.rgb);
  augmenter.apply(image.rgb, {.flip = true, .degrees = 4}, changed);
  CHECK(changed == rotate(flip_horizontal(image), 4).rgb);
}

TEST_CASE("augmentation: softening takes fine detail away and nothing else") {
  Image stripes{32, 32, {}};
  for (int i = 0; i < 32 * 32; ++i) stripes.rgb.insert(stripes.rgb.end(), 3, i % 2 == 0 ? 60 : 200);
  Augmenter augmenter(32);
  std::vector<std::uint8_t> soft(stripes.rgb.size());
  const auto contrast = [&soft] {
    double sum = 0;
    for (std::size_t i = 3; i < soft.size(); i += 3) sum += std::abs(soft[i] - soft[i - 3]);
    return sum / (32 * 32);
  };
  augmenter.apply(stripes.rgb, {.soften = true, .scale = 1, .quality = 95}, soft);
  CHECK(contrast() > 120);  // the JPEG alone
  augmenter.apply(stripes.rgb, {.soften = true, .scale = 0.5f, .quality = 95}, soft);
  CHECK(contrast() < 20);

  const Image smooth = test::smooth(32, 32);
  augmenter.apply(smooth.rgb, {.soften = true, .scale = 0.4f, .quality = 90}, soft);
  CHECK(test::difference(soft, smooth.rgb).mean < 4);
  CHECK(test::difference(soft, smooth.rgb).count > 0);
  // Softened first, turned afterwards: the corners stay black.
  augmenter.apply(smooth.rgb, {.degrees = 45, .soften = true, .scale = 0.4f, .quality = 50}, soft);
  CHECK(soft[0] + soft[1] + soft[2] == 0);
}

TEST_CASE("augmentation: a part of the image is taken before mirroring, and after softening") {
  const Image image = test::pattern(16, 16);
  Augmentation augmentation{.flip = true, .soften = true, .scale = 0.5f, .quality = 80};
  augmentation.crop = CropBox{2, 3, 9, 8};
  Augmenter augmenter(16);
  std::vector<std::uint8_t> got(image.rgb.size()), cropped(got), wanted(got);
  augmenter.apply(image.rgb, augmentation, got);
  const auto soft = augmenter.soften(image.rgb, 0.5f, 80);
  resize_crop(soft, 16, *augmentation.crop, cropped);
  flip_and_rotate(cropped, 16, 16, true, 0, wanted);
  CHECK(got == wanted);
}

TEST_CASE("augmentation: RandAugment's operations follow one another, after mirroring and turning") {
  const Image image = test::pattern(16, 16);
  Augmentation augmentation;
  augmentation.flip = true;
  augmentation.degrees = 7;
  Augmenter augmenter(16);
  std::vector<std::uint8_t> turned(image.rgb.size()), first(turned), second(turned), got(turned);
  augmenter.apply(image.rgb, augmentation, turned);
  shear_x(turned, 16, 16, 0.2, first);
  solarize(first, 100, second);
  augmentation.operations = {{ImageOp::shear_x, 0.2}, {ImageOp::solarize, 100}};
  augmenter.apply(image.rgb, augmentation, got);
  CHECK(got == second);
  CHECK(got != turned);
}

TEST_CASE("augmentation: erasing comes after normalising") {
  const Image image = test::pattern(16, 16);
  Augmenter augmenter(16);
  std::vector<float> whole(image.rgb.size()), erased(image.rgb.size());
  Augmentation augmentation;
  augmenter.run(image.rgb, augmentation, whole);
  augmentation.erasure = Erasure{0, 0, 2, 16};
  augmenter.run(image.rgb, augmentation, erased);
  for (std::size_t i = 0; i < erased.size(); ++i) CHECK(erased[i] == (i < 2 * 16 * 3 ? 0.0f : whole[i]));
}

TEST_CASE("augmentation: what is drawn") {
  const TrainTransform transform{.remove_blur_cue = true};
  int flips = 0, softened = 0;
  double degrees = 0, largest = 0, lowest_scale = 2, highest_scale = 0;
  int lowest_quality = 1000, highest_quality = 0;
  constexpr int kImages = 20000;
  for (int i = 0; i < kImages; ++i) {
    const Augmentation drawn = draw_augmentation(transform, {42, 3, i, false, 64});
    flips += drawn.flip;
    softened += drawn.soften;
    degrees += drawn.degrees;
    largest = std::max(largest, std::abs(static_cast<double>(drawn.degrees)));
    lowest_scale = std::min(lowest_scale, static_cast<double>(drawn.scale));
    highest_scale = std::max(highest_scale, static_cast<double>(drawn.scale));
    lowest_quality = std::min(lowest_quality, drawn.quality);
    highest_quality = std::max(highest_quality, drawn.quality);
  }
  CHECK(flips / double{kImages} == doctest::Approx(0.5).epsilon(0.03));
  CHECK(softened / double{kImages} == doctest::Approx(0.5).epsilon(0.03));
  CHECK(std::abs(degrees / kImages) < 0.2);
  CHECK(largest <= 10);
  CHECK(largest > 9.9);
  CHECK(lowest_scale == doctest::Approx(0.4).epsilon(0.01));
  CHECK(highest_scale == doctest::Approx(1).epsilon(0.01));
  CHECK(lowest_quality == 50);
  CHECK(highest_quality == 95);
}

TEST_CASE("augmentation: what an image gets depends on seed, epoch and index, and on no other setting") {
  const TrainTransform all{.remove_blur_cue = true};
  const auto same = [](const Augmentation& a, const Augmentation& b) {
    return a.flip == b.flip && a.degrees == b.degrees && a.soften == b.soften && a.scale == b.scale &&
           a.quality == b.quality;
  };
  const Augmentation drawn = draw_augmentation(all, {42, 1, 5, false, 64});
  CHECK(same(drawn, draw_augmentation(all, {42, 1, 5, false, 64})));
  CHECK_FALSE(same(drawn, draw_augmentation(all, {43, 1, 5, false, 64})));
  CHECK_FALSE(same(drawn, draw_augmentation(all, {42, 2, 5, false, 64})));
  CHECK_FALSE(same(drawn, draw_augmentation(all, {42, 1, 6, false, 64})));
  for (int i = 0; i < 50; ++i) {
    const Augmentation whole = draw_augmentation(all, {42, 1, i, false, 64});
    const Augmentation still =
        draw_augmentation({.flip = false, .rotation_degrees = 0}, {42, 1, i, false, 64});
    CHECK_FALSE(still.flip);
    CHECK_FALSE(still.soften);
    CHECK(still.degrees == 0);
    const Augmentation extra = draw_augmentation(all, {42, 1, i, true, 64});
    CHECK_FALSE(extra.soften);
    CHECK(extra.degrees == whole.degrees);
    CHECK(extra.flip == whole.flip);
  }
}

TEST_CASE(
    "augmentation: what was drawn before there were crops and RandAugment is drawn still, so runs "
    "stay") {
  struct Drawn {
    int epoch;
    std::int64_t index;
    bool flip;
    float degrees;
    bool soften;
    float scale;
    int quality;
  };
  const TrainTransform transform{.remove_blur_cue = true};
  for (const Drawn& before : {Drawn{1, 0, true, 0x1.5ee704p+2f, false, 0x1.af649ep-1f, 90},
                              Drawn{1, 5, false, -0x1.f90efp+0f, false, 0x1.8186e2p-1f, 77},
                              Drawn{1, 6287, false, 0x1.75346p+1f, false, 0x1.afd6f6p-2f, 91},
                              Drawn{7, 0, false, 0x1.8f6d6p+1f, false, 0x1.896c68p-1f, 51},
                              Drawn{7, 5, false, -0x1.e1285ep+2f, true, 0x1.29de6p-1f, 59},
                              Drawn{7, 6287, true, -0x1.587ab8p+2f, true, 0x1.a1d05ap-1f, 58}}) {
    const Augmentation drawn = draw_augmentation(transform, {42, before.epoch, before.index, false, 64});
    CHECK(drawn.flip == before.flip);
    CHECK(drawn.degrees == before.degrees);
    CHECK(drawn.soften == before.soften);
    CHECK(drawn.scale == before.scale);
    CHECK(drawn.quality == before.quality);
    CHECK_FALSE(needs_cpu(drawn));
  }
}

TEST_CASE("augmentation: refuses settings out of range") {
  CHECK_NOTHROW(check_transform({}));
  CHECK_THROWS_AS(check_transform({.rotation_degrees = -1}), Error);
  CHECK_THROWS_AS(check_transform({.rotation_degrees = std::numeric_limits<float>::quiet_NaN()}), Error);
  CHECK_THROWS_AS(check_transform({.blur_probability = 1.5f}), Error);
  CHECK_THROWS_AS(check_transform({.lowest_scale = 0}), Error);
  CHECK_THROWS_AS(check_transform({.lowest_quality = 96}), Error);
  CHECK_THROWS_AS(check_transform({.highest_quality = 101}), Error);
  CHECK_THROWS_AS(Augmenter(0), Error);
  std::vector<std::uint8_t> bytes(6);
  std::vector<float> floats(5);
  CHECK_THROWS_AS(normalise(bytes, floats), Error);
}
