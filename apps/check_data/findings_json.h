#pragma once

#include "apps/check_data/findings.h"
#include "engine/io/json.h"

namespace tern {

/// All of the findings, for programs; every group of images, where a text shows a few. docs/output.md has the keys.
Json findings_json(const CheckedImages& images, const Findings& findings);

}  // namespace tern
