#include "apps/measure/predictor.h"

#include <algorithm>
#include <utility>

#include "apps/common/console.h"
#include "apps/measure/calibration_file.h"
#include "apps/measure/scores_file.h"
#include "engine/core/check.h"

namespace tern {

Predictor::Predictor(std::vector<Run> opened, const DecisionOptions& options, const std::string& views,
                     Device device, ScoreMemo* memo)
    : runs(std::move(opened)), models(runs, parse_views(views), device, memo) {
  confidence =
      read_scores(runs, models, views, parse_scores(options.scores, runs.front().classes().has_one_level()));
  DecisionOptions asked = options;
  if (confidence) {
    if (asked.mask_untrained.value_or(confidence->mask_untrained()) != confidence->mask_untrained()) {
      throw Error("--mask-untrained", confidence->mask_untrained() ? "true" : "false",
                  "the other: the scores were calibrated otherwise");
    }
    asked.mask_untrained = confidence->mask_untrained();
  }
  decision = calibrated_decision(runs.front(), asked, choices());
  if (options.tau.super && runs.front().classes().has_one_level() && !tells_any_class())
    warn("note: --tau-super decides nothing where classes have one level; their threshold is --tau-sub\n");
}

bool Predictor::tells_any_class() const {
  if (!models.has(Level::super)) return false;
  const std::vector<std::uint8_t> allowed =
      allowed_classes(runs.front(), decision.mask_untrained, Level::super);
  return std::count(allowed.begin(), allowed.end(), 1) > 1 || !choices().super.terms.empty();
}

void Predictor::answer_one_level() {
  if (runs.front().classes().has_one_level() && models.has(Level::sub) && tells_any_class())
    decision.consistent = true;
}

}  // namespace tern
