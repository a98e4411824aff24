#pragma once

#include <string>

#include "apps/check_data/findings.h"

namespace tern {

/// Images a class as bars, sizes, and what is wrong, each with examples; for a terminal.
std::string findings_text(const CheckedImages& images, const Findings& findings);

/// "dog / beagle", "dog", or "to be predicted": where an image is from.
std::string origin_text(const CheckedImages& images, std::int64_t index);

/// One line each: what somebody should look at before training, the worst first; empty if nothing.
std::vector<std::string> warnings_of(const CheckedImages& images, const Findings& findings);

}  // namespace tern
