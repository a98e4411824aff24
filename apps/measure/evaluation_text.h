// The tables that tern evaluate prints.
#pragma once

#include <cstddef>
#include <string>

#include "apps/measure/evaluation.h"

namespace tern {

/// Everything below, level by level.
std::string text_of(const Evaluation& evaluation);

/// What the thresholds do: a rate a line, then the settings.
std::string rates_text(const Evaluation& evaluation);
/// The classes with the lowest recall.
std::string worst_classes_text(const ClassReport& report, std::size_t max_rows = 10);
/// What does not depend on thresholds: calibration, and each novelty score against each kind of novel images.
std::string level_text(const LevelReport& report);

}  // namespace tern
