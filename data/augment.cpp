#include "data/augment.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "data/random_purpose.h"
#include "data/resize.h"
#include "data/rotate.h"
#include "engine/core/check.h"
#include "engine/core/random.h"

namespace tern {
namespace {

struct NormalisationTable {
  std::array<std::array<float, 256>, 3> values;

  NormalisationTable() {
    for (std::size_t channel = 0; channel < 3; ++channel) {
      for (std::size_t byte = 0; byte < 256; ++byte) {
        values[channel][byte] =
            (static_cast<float>(byte) / 255.0f - kImagenetMean[channel]) / kImagenetDeviation[channel];
      }
    }
  }
};

void check_range(const char* what, float value, float low, float high) {
  if (!(value >= low && value <= high)) {
    throw Error(what, "a number in " + std::to_string(low) + ".." + std::to_string(high),
                std::to_string(value));
  }
}

}  // namespace

void check_transform(const TrainTransform& transform) {
  check_range("transform: rotation_degrees", transform.rotation_degrees, 0, 360);
  check_range("transform: blur_probability", transform.blur_probability, 0, 1);
  check_range("transform: lowest_scale", transform.lowest_scale, 0.01f, 1);
  if (transform.lowest_quality < 1 || transform.highest_quality > 100 ||
      transform.lowest_quality > transform.highest_quality) {
    throw Error("transform: JPEG quality", "1 <= lowest <= highest <= 100",
                std::to_string(transform.lowest_quality) + ".." + std::to_string(transform.highest_quality));
  }
  if (const auto& crop = transform.crop) {
    check_range("transform: crop's highest scale", crop->highest_scale, 0.001f, 1);
    check_range("transform: crop's lowest scale", crop->lowest_scale, 0.001f, crop->highest_scale);
  }
  check_range("transform: RandAugment's operations", static_cast<float>(transform.rand_augment.operations), 0,
              16);
  check_range("transform: RandAugment's magnitude", static_cast<float>(transform.rand_augment.magnitude), 0,
              RandAugment::kBins - 1);
  check_range("transform: erasing's probability", transform.erasing.probability, 0, 1);
}

bool needs_cpu(const Augmentation& augmentation) {
  return augmentation.crop || !augmentation.operations.empty() || augmentation.erasure;
}

bool needs_cpu(const TrainTransform& transform) {
  return transform.crop || transform.rand_augment.operations > 0 || transform.erasing.probability > 0;
}

Augmentation draw_augmentation(const TrainTransform& transform, const AugmentedImage& image) {
  const auto stream = [&image](std::uint32_t purpose) {
    return RandomStream(image.seed, random_purpose::repeated(purpose, image.repeat),
                        static_cast<std::uint32_t>(image.epoch), static_cast<std::uint32_t>(image.index));
  };
  RandomStream random = stream(random_purpose::augment);
  Augmentation drawn;
  drawn.flip = random.chance(0.5f) && transform.flip;
  drawn.degrees = random.uniform(-transform.rotation_degrees, transform.rotation_degrees);
  drawn.soften = random.chance(transform.blur_probability) && transform.remove_blur_cue && !image.is_extra;
  drawn.scale = random.uniform(transform.lowest_scale, 1.0f);
  const int qualities = transform.highest_quality - transform.lowest_quality + 1;
  drawn.quality =
      transform.lowest_quality + static_cast<int>(random.below(static_cast<std::uint32_t>(qualities)));
  if (!needs_cpu(transform)) return drawn;

  if (transform.crop) {
    RandomStream own = stream(random_purpose::crop);
    drawn.crop = draw_crop(*transform.crop, image.size, own);
  }
  if (transform.rand_augment.operations > 0) {
    RandomStream own = stream(random_purpose::rand_augment);
    drawn.operations = draw_operations(transform.rand_augment, image.size, own);
  }
  if (transform.erasing.probability > 0) {
    RandomStream own = stream(random_purpose::erase);
    drawn.erasure = draw_erasure(transform.erasing, image.size, own);
  }
  return drawn;
}

Augmenter::Augmenter(int image_size) : image_size_(image_size) {
  if (image_size < 1 || image_size > 4096) {
    throw Error("image_size", "1..4096 pixels", std::to_string(image_size));
  }
  turned_.resize(static_cast<std::size_t>(image_size) * image_size * 3);
}

std::span<const std::uint8_t> Augmenter::soften(std::span<const std::uint8_t> from, float scale,
                                                int quality) {
  const int small = std::max(1, static_cast<int>(std::lround(scale * static_cast<float>(image_size_))));
  softened_.width = softened_.height = image_size_;
  softened_.rgb.assign(from.begin(), from.end());
  if (small < image_size_) {
    const Image shrunk = resize(softened_, small, small);
    Resizer(small, small, image_size_, image_size_)(shrunk.rgb, softened_.rgb);
  }
  softened_ = decode_image(encode_jpeg(softened_, quality), "augment");
  return softened_.rgb;
}

void Augmenter::apply(std::span<const std::uint8_t> from, const Augmentation& augmentation,
                      std::span<std::uint8_t> to) {
  if (augmentation.soften) from = soften(from, augmentation.scale, augmentation.quality);
  if (augmentation.crop) {
    changed_.resize(from.size());
    resize_crop(from, image_size_, *augmentation.crop, changed_);
    from = changed_;
  }
  flip_and_rotate(from, image_size_, image_size_, augmentation.flip, augmentation.degrees, to);
  for (const DrawnOp& operation : augmentation.operations) {
    changed_.assign(to.begin(), to.end());
    apply_operation(changed_, image_size_, image_size_, operation, to);
  }
}

void Augmenter::run(std::span<const std::uint8_t> from, const Augmentation& augmentation,
                    std::span<float> to) {
  apply(from, augmentation, turned_);
  normalise(turned_, to);
  if (augmentation.erasure) erase(to, image_size_, *augmentation.erasure);
}

void normalise(std::span<const std::uint8_t> from, std::span<float> to) {
  static const NormalisationTable table;
  if (from.size() != to.size() || from.size() % 3 != 0) {
    throw Error("normalise", "as many floats as bytes, in threes",
                std::to_string(from.size()) + " bytes and " + std::to_string(to.size()) + " floats");
  }
  for (std::size_t i = 0; i < from.size(); i += 3) {
    to[i] = table.values[0][from[i]];
    to[i + 1] = table.values[1][from[i + 1]];
    to[i + 2] = table.values[2][from[i + 2]];
  }
}

}  // namespace tern
