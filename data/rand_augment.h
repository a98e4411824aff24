// RandAugment (Cubuk et al., "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space", 2019)
// as torchvision.transforms.RandAugment: operations drawn from fourteen, each at one magnitude of 31, the sign of
// those that have one drawn too; nearest neighbour, black outside.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "data/image_ops.h"
#include "engine/core/random.h"

namespace tern {

enum class ImageOp {
  identity,
  shear_x,
  shear_y,
  translate_x,
  translate_y,
  rotate,
  brightness,
  color,
  contrast,
  sharpness,
  posterize,
  solarize,
  autocontrast,
  equalize
};
inline constexpr int kImageOps = 14;

struct RandAugment {
  static constexpr int kBins = 31;  ///< magnitudes are 0..kBins - 1

  int operations = 0;  ///< of an image, one after the other, the same one perhaps twice; 0: none
  int magnitude = 9;   ///< how strongly
};

/// An operation with what it takes: the slope of a shear, pixels of a translation, degrees of a rotation, what is
/// added to the factor 1 of brightness, colour, contrast and sharpness, bits, a threshold; 0 for the others.
struct DrawnOp {
  ImageOp op = ImageOp::identity;
  double magnitude = 0;
};

/// The magnitude of `bin` for an image of `size` pixels a side, without a sign: torchvision's f32 number.
double magnitude_of(ImageOp op, int bin, int size);
/// Whether the magnitude may as well be negative.
bool is_signed(ImageOp op);

/// The operations of one image, by the numbers that come next in `random`.
std::vector<DrawnOp> draw_operations(const RandAugment& settings, int size, RandomStream& random);

/// to = the operation done to `from`; both [height, width, 3], not overlapping.
void apply_operation(ConstPixels from, int width, int height, const DrawnOp& drawn, Pixels to);

}  // namespace tern
