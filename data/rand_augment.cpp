#include "data/rand_augment.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "data/rotate.h"
#include "engine/core/check.h"

namespace tern {
namespace {

/// Number `bin` of torch.linspace(low, high, kBins), which counts from the nearer end.
double linear(float low, float high, int bin) {
  const float step = (high - low) / static_cast<float>(RandAugment::kBins - 1);
  const int from_end = RandAugment::kBins - 1 - bin;
  return static_cast<double>(bin < RandAugment::kBins / 2 ? low + step * static_cast<float>(bin)
                                                          : high - step * static_cast<float>(from_end));
}

}  // namespace

double magnitude_of(ImageOp op, int bin, int size) {
  if (bin < 0 || bin >= RandAugment::kBins) {
    throw Error("RandAugment: magnitude", "0.." + std::to_string(RandAugment::kBins - 1),
                std::to_string(bin));
  }
  switch (op) {
    case ImageOp::shear_x:
    case ImageOp::shear_y:
      return linear(0, 0.3f, bin);
    case ImageOp::translate_x:
    case ImageOp::translate_y:
      return linear(0, static_cast<float>(150.0 / 331.0 * size), bin);
    case ImageOp::rotate:
      return linear(0, 30, bin);
    case ImageOp::brightness:
    case ImageOp::color:
    case ImageOp::contrast:
    case ImageOp::sharpness:
      return linear(0, 0.9f, bin);
    case ImageOp::posterize:
      return 8 - std::nearbyint(bin / ((RandAugment::kBins - 1) / 4.0));
    case ImageOp::solarize:
      return linear(255, 0, bin);
    case ImageOp::identity:
    case ImageOp::autocontrast:
    case ImageOp::equalize:
      break;
  }
  return 0;
}

bool is_signed(ImageOp op) {
  return op >= ImageOp::shear_x && op <= ImageOp::sharpness;
}

std::vector<DrawnOp> draw_operations(const RandAugment& settings, int size, RandomStream& random) {
  std::vector<DrawnOp> drawn;
  for (int i = 0; i < settings.operations; ++i) {
    const auto op = static_cast<ImageOp>(random.below(kImageOps));
    const bool negative = random.chance(0.5f) && is_signed(op);
    const double magnitude = magnitude_of(op, settings.magnitude, size);
    drawn.push_back({op, negative ? -magnitude : magnitude});
  }
  return drawn;
}

void apply_operation(ConstPixels from, int width, int height, const DrawnOp& drawn, Pixels to) {
  const double magnitude = drawn.magnitude, factor = 1 + magnitude;
  switch (drawn.op) {
    case ImageOp::identity:
      std::copy(from.begin(), from.end(), to.begin());
      return;
    case ImageOp::shear_x:
      return shear_x(from, width, height, magnitude, to);
    case ImageOp::shear_y:
      return shear_y(from, width, height, magnitude, to);
    case ImageOp::translate_x:
      return translate(from, width, height, static_cast<int>(magnitude), 0, to);
    case ImageOp::translate_y:
      return translate(from, width, height, 0, static_cast<int>(magnitude), to);
    case ImageOp::rotate:
      return flip_and_rotate(from, width, height, false, magnitude, to);
    case ImageOp::brightness:
      return adjust_brightness(from, factor, to);
    case ImageOp::color:
      return adjust_color(from, factor, to);
    case ImageOp::contrast:
      return adjust_contrast(from, factor, to);
    case ImageOp::sharpness:
      return adjust_sharpness(from, width, height, factor, to);
    case ImageOp::posterize:
      return posterize(from, static_cast<int>(magnitude), to);
    case ImageOp::solarize:
      return solarize(from, magnitude, to);
    case ImageOp::autocontrast:
      return autocontrast(from, to);
    case ImageOp::equalize:
      return equalize(from, to);
  }
}

}  // namespace tern
