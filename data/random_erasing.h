// A rectangle of the network's input is wiped out (Zhong et al., "Random Erasing Data Augmentation", 2017), as
// torchvision.transforms.RandomErasing after Normalize.
#pragma once

#include <optional>
#include <span>

#include "engine/core/random.h"

namespace tern {

/// The rectangle's area is uniform in [.02, .33] of the image's, its ratio of height to width log-uniform in
/// [.3, 3.3], as torchvision's defaults.
struct RandomErasing {
  float probability = 0;  ///< of an image; torchvision's default is .5
  bool noise = false;     ///< wiped out by standard normal numbers, torchvision's value "random"; else by 0
};

struct Erasure {
  int top = 0, left = 0, height = 0, width = 0;
  std::optional<RandomStream> noise = {};  ///< where normal numbers come from; none: zeros
};

/// The rectangle of an image of size x size pixels, by the numbers that come next in `random`; none with the rest
/// of the probability, and after ten rectangles that would not be smaller than the image.
std::optional<Erasure> draw_erasure(const RandomErasing& erasing, int size, RandomStream& random);

/// input: [size, size, 3], normalised. The rectangle lies inside.
void erase(std::span<float> input, int size, const Erasure& erasure);

}  // namespace tern
