#pragma once

#include <array>
#include <string>

#include "apps/check_data/findings.h"

namespace tern {

/// The findings as one HTML file that needs no network: images a class as bars, and the groups of images that look the
/// same as pictures, of 96 pixels a side, up to 200 groups of 8. `sources`: of the labelled images and of those to be
/// predicted, which may be null if there are none.
std::string findings_page(const CheckedImages& images, const Findings& findings,
                          const std::array<const ImageSource*, 2>& sources);

}  // namespace tern
