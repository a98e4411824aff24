// The tables that tern evaluate prints.
#pragma once

#include <cstddef>
#include <string>

#include "apps/measure/evaluation.h"

namespace tern {

inline constexpr std::size_t kWorstClasses = 10;

/// Everything below, level by level. With one level of classes (`one_level`) the texts speak of "classes", and of the other
/// level only where there are novel images to tell from known ones (level_words.h).
std::string text_of(const Evaluation& evaluation);

/// What the thresholds do: a rate a line, then the settings.
std::string rates_text(const Evaluation& evaluation);
/// The classes with the lowest recall.
std::string worst_classes_text(const ClassReport& report, std::size_t max_rows = kWorstClasses,
                               bool one_level = false);
/// What does not depend on thresholds: calibration, and each novelty score against each kind of novel images.
std::string level_text(const LevelReport& report, bool one_level = false);

}  // namespace tern
