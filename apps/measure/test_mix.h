// What share of the images to be predicted is of which kind: known when it can be guessed from elsewhere.
#pragma once

#include <string>

namespace tern {

/// Shares of the images of known subclasses, of novel subclasses of known superclasses, and of novel
/// superclasses, in percent.
struct TestMix {
  double seen = 100.0 / 3, novel_subclass = 100.0 / 3, novel_superclass = 100.0 / 3;

  /// Of the images of known superclasses, those of novel subclasses: 0 .. 1.
  double novel_share_within_known() const {
    return seen + novel_subclass > 0 ? novel_subclass / (seen + novel_subclass) : 0;
  }
};

/// "0.21,0.51,0.28", in that order. Throws Error{"--mix", ...} for anything but three numbers of sum 1.
TestMix parse_mix(const std::string& text);

}  // namespace tern
