// One drawn image: an object of a form, a fill and a colour on a cluttered background.
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
  ring,  // superclass "disc"
  triangle,
  star,  // superclass "polygon"
  bars,
  waves,  // superclass "stripes"
  spiral,
  asterisk,  // the superclass that training never shows
  blob,
  blob_pair,
  grid,
  cross,
  curve,
  zigzag,  // "other things", as CIFAR-100 is to the study
};
enum class SyntheticFill { plain, checked };
enum class SyntheticColour { orange, blue, any };

struct SyntheticObject {
  SyntheticForm form = SyntheticForm::disc;
  SyntheticFill fill = SyntheticFill::plain;
  SyntheticColour colour = SyntheticColour::orange;
};

std::string form_name(SyntheticForm form);
std::string object_name(const SyntheticObject& object);  ///< "checked orange ring"

/// A square image of `size` pixels a side (8..1024, else Error); what is not fixed by `object` is drawn from
/// `random`.
Image draw_object(const SyntheticObject& object, int size, RandomStream& random);

}  // namespace tern
