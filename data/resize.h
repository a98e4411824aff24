// Bilinear resizing with Pillow's results: when shrinking, the triangle widens with the scale (antialiasing).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/image_io.h"

namespace tern {

/// Resizes any number of images between the same two sizes; the weights are computed once. Equal to Pillow's
/// Image.resize(..., BILINEAR) on RGB bytes. Holds scratch memory: one Resizer a thread.
class Resizer {
 public:
  /// All sizes in 1..2^16; throws Error otherwise.
  Resizer(int from_width, int from_height, int to_width, int to_height);

  /// from: [from_height, from_width, 3], to: [to_height, to_width, 3]; they must not overlap.
  void operator()(std::span<const std::uint8_t> from, std::span<std::uint8_t> to);

 private:
  /// One axis: output i is the sum over k < count[i] of weight[i * width + k] * input[first[i] + k].
  struct Axis {
    Axis(int from, int to);
    int from, to, width = 0;
    std::vector<int> first, count;
    std::vector<std::int32_t> weights;  ///< fixed point, 22 fractional bits
  };

  void resize_rows(std::span<const std::uint8_t> from);
  void resize_columns(std::span<std::uint8_t> to);

  Axis horizontal_, vertical_;
  std::vector<std::uint8_t> rows_;  ///< after the horizontal pass, rounded to bytes as Pillow does
  std::vector<std::int32_t> sums_;  ///< one row of the vertical pass
};

Image resize(const Image& image, int width, int height);

/// torchvision's Resize(size): the shorter side becomes `size`, the other floor(size * long / short).
Image resize_shortest(const Image& image, int size);

/// torchvision's CenterCrop(size): the offset is half the margin, rounded half to even; a smaller image is
/// padded with black, the odd pixel at the right and bottom.
Image center_crop(const Image& image, int size);

}  // namespace tern
