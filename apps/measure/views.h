// What --views shows of each image, for answers that are averaged over all of it:
//
//   (none)       the image
//   flip         and mirrored
//   crops        the image, and its four corners of 7/8 of a side, enlarged again
//   flip+crops   those five, and each of them mirrored
#pragma once

#include <string>
#include <vector>

#include "data/augment.h"

namespace tern {

struct View {
  bool flip = false;
  float side = 1;                      ///< of the part that is shown, in sides of the image
  bool bottom = false, right = false;  ///< which corner the part lies in

  auto operator<=>(const View&) const = default;

  /// For images of size x size pixels.
  Augmentation at(int size) const;
};

/// The texts that parse_views() takes, but for "".
std::vector<std::string> view_names();

/// The image as it is comes first. Throws Error{"--views", ...} for any other text.
std::vector<View> parse_views(const std::string& text);

}  // namespace tern
