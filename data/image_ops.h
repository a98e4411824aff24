// Operations on RGB bytes as Pillow does them, to the byte: what RandAugment (data/rand_augment.h) chooses from.
//
// Everywhere from and to are [height, width, 3], of one size, and do not overlap; what comes from outside the
// image is black. Throws Error where the sizes disagree.
#pragma once

#include <cstdint>
#include <span>

namespace tern {

using ConstPixels = std::span<const std::uint8_t>;
using Pixels = std::span<std::uint8_t>;

/// Sheared about the top left corner, nearest neighbour: row y moves left by y * slope pixels, as torchvision's
/// affine with shear atan(slope) does; shear_y moves columns up.
void shear_x(ConstPixels from, int width, int height, double slope, Pixels to);
void shear_y(ConstPixels from, int width, int height, double slope, Pixels to);
/// Moved to the right by dx pixels and down by dy.
void translate(ConstPixels from, int width, int height, int dx, int dy, Pixels to);

// to = other + factor (from - other), rounded towards zero: factor 1 changes nothing, 0 gives `other`, and more
// than 1 leads away from it. Any finite factor.
void adjust_brightness(ConstPixels from, double factor, Pixels to);  ///< other: black
void adjust_color(ConstPixels from, double factor, Pixels to);       ///< other: the same in grey
void adjust_contrast(ConstPixels from, double factor, Pixels to);    ///< other: the mean grey everywhere
/// other: the same, smoothed; the outermost pixels stay as they are.
void adjust_sharpness(ConstPixels from, int width, int height, double factor, Pixels to);

void posterize(ConstPixels from, int bits, Pixels to);         ///< keeps the highest bits, 1..8, of each byte
void solarize(ConstPixels from, double threshold, Pixels to);  ///< inverts what is not below the threshold
void autocontrast(ConstPixels from, Pixels to);                ///< stretches each channel to 0..255
void equalize(ConstPixels from, Pixels to);                    ///< makes each channel's histogram even

}  // namespace tern
