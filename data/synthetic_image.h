// One drawn image: an object of a form and a colour on a cluttered background.
//
// What makes an object hard to name by anything but itself is drawn at random: place, size, turn and stretch,
// two-tone background with clouds and clutter, an occluding bar, light, blur and noise.
#pragma once

#include <string>

#include "data/image_io.h"
#include "engine/core/random.h"

namespace tern {

enum class SyntheticForm {
  disc,
  ring,
  triangle,
  star,
  cross,
  asterisk,
  waves,
  spiral,
  blob,
  blob_pair,
  grid
};
enum class SyntheticColour { orange, blue, violet, green, yellow, teal, pink };

struct SyntheticObject {
  SyntheticForm form = SyntheticForm::disc;
  SyntheticColour colour = SyntheticColour::orange;
};

std::string colour_name(SyntheticColour colour);
std::string object_name(const SyntheticObject& object);  ///< "orange ring"

/// A square image of `size` pixels a side (8..1024, else Error); what is not fixed by `object` is drawn from
/// `random`.
Image draw_object(const SyntheticObject& object, int size, RandomStream& random);

}  // namespace tern
