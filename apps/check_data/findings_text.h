#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/check_data/findings.h"

namespace tern {

/// Images a class as bars, sizes, and what is wrong, each with examples; for a terminal.
std::string findings_text(const CheckedImages& images, const Findings& findings);

/// What the text and the page say where there is no warning.
inline constexpr const char* kNothingOdd = "nothing odd was found";

/// "dog: 20 images"
std::string superclass_text(const CheckedImages& images, std::int32_t superclass);
/// "60 labelled images of 6 subclasses in 3 superclasses, 9 to be predicted"; of one level of classes "of 6 classes".
std::string totals_text(const CheckedImages& images);
/// "pixels: width 64, height 32 to 500 (median 48)"; empty where no image can be read.
std::string sizes_text(const Findings& findings);

/// "dog / beagle", of one level of classes "beagle", or "to be predicted": where an image is from.
std::string origin_text(const CheckedImages& images, std::int64_t index);

/// One line each: what somebody should look at before training, the worst first; empty if nothing.
std::vector<std::string> warnings_of(const CheckedImages& images, const Findings& findings);

}  // namespace tern
