#include "apps/export/description.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/common/version.h"
#include "apps/run/config.h"
#include "data/augment.h"
#include "engine/io/json.h"

namespace tern {
namespace {

/// With U+FFFD for bytes that are no UTF-8, which class names of old runs may hold.
std::string text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json decision_json(const Predictor& predictor) {
  const Run& run = predictor.runs.front();
  const Decision& decision = predictor.decision;
  const ByLevel<ScoreChoice> choices = predictor.choices();
  Json json;
  for (const Level level : deciding_levels(predictor)) {
    Json& of_level = json[name_of(level)];
    of_level["score"] = text_of(choices[level], level);
    if (decision.class_taus[level].empty()) {
      of_level["threshold"] = decision.tau[level];
    } else {
      of_level["thresholds"] = decision.class_taus[level];
    }
    of_level["answered"] = allowed_classes(run, decision.mask_untrained, level);
    of_level["novel"] = run.classes().novel(level);
  }
  json["consistent"] = decision.consistent;
  return json;
}

}  // namespace

std::vector<Level> deciding_levels(const Predictor& predictor) {
  const bool one_level = predictor.runs.front().classes().has_one_level() && predictor.models.has(Level::sub);
  const bool asks_super = predictor.tells_any_class() || !names_of(predictor.choices(), Level::super).empty();
  if (one_level && !asks_super) return {Level::sub};
  return predictor.models.levels();
}

Metadata description_of(const Predictor& predictor, const std::vector<Level>& levels_of_file) {
  const Run& run = predictor.runs.front();
  const ClassTable classes = run.classes();
  Json levels = Json::array();
  for (const Level level : levels_of_file) levels.push_back(name_of(level));
  return {{"tern", kVersion},
          {"commit", build_commit()},
          {"architecture", run.config.backbone},
          {"precision", name_of(run.config.precision)},
          {"levels", text(levels)},
          {"superclass_names", text(classes.superclass_names)},
          {"subclass_names", text(classes.subclass_names)},
          {"subclass_to_super", text(classes.subclass_to_super)},
          {"held_out_subclasses", text(run.held_out_subclasses())},
          {"decision", text(decision_json(predictor))},
          {"image_size", fmt::format("{}", run.config.image_size)},
          {"input", "RGB, 0 .. 1 (bytes / 255), [batch, 3, image_size, image_size]"},
          {"resize",
           "to image_size x image_size, whatever the picture's ratio: bilinear, antialiased, on bytes, as "
           "Pillow's resize((image_size, image_size), BILINEAR)"},
          {"mean", fmt::format("[{}]", fmt::join(kImagenetMean, ", "))},
          {"deviation", fmt::format("[{}]", fmt::join(kImagenetDeviation, ", "))},
          {"config", config_text(run.config)}};
}

}  // namespace tern
