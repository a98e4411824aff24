// A study of two superclasses with two subclasses each, one subclass held out, and scores made up for it:
// what reports are made of, without a model.
#pragma once

#include "apps/measure/level_groups.h"
#include "data/random_purpose.h"
#include "engine/core/random.h"
#include "tests/support/temporary_folder.h"

namespace tern::test {

/// Images: subclasses 0 .. 3 with 30 each, and 20 of the novel class. Subclass 1 is held out; of the others a
/// third validates.
inline StudyData made_up_study() {
  StudyData data;
  data.dataset.classes = {
      {"bird", "dog", "novel"}, {"crow", "owl, barn owl", "pug", "collie", "novel"}, {0, 0, 1, 1, 2}};
  const auto add = [&](std::int32_t superclass, std::int32_t subclass, int count, bool extra) {
    for (int i = 0; i < count; ++i) {
      const auto index = static_cast<std::int64_t>(data.dataset.names.size());
      data.dataset.names.push_back(std::to_string(index) + ".png");
      data.dataset.superclasses.push_back(superclass);
      data.dataset.subclasses.push_back(subclass);
      data.dataset.is_extra.push_back(extra);
      std::vector<std::int64_t>& part = subclass == 1 ? data.split.pseudo_novel
                                        : i % 3 == 0  ? data.split.validation
                                                      : data.split.train;
      part.push_back(index);
    }
  };
  for (std::int32_t subclass = 0; subclass < 4; ++subclass) add(subclass / 2, subclass, 30, false);
  add(2, 4, 20, true);
  data.split.held_out = {1};
  return data;
}

/// A run whose summary names these classes.
inline Run made_up_run(const TemporaryFolder& folder, const StudyData& data) {
  Run run = Run::create(folder / "run", Config{});
  run.summary["classes"] = {{"superclass_names", data.dataset.classes.superclass_names},
                            {"subclass_names", data.dataset.classes.subclass_names},
                            {"subclass_to_super", data.dataset.classes.subclass_to_super},
                            {"superclass_trained", data.trained(Level::super)},
                            {"subclass_trained", data.trained(Level::sub)}};
  run.summary["split"]["held_out_subclasses"] = data.split.held_out;
  return run;
}

/// Five features a class's image scatters around, and logits that are three times them.
inline Scores made_up_scores(const StudyData& data, const std::vector<std::int64_t>& indices) {
  Scores scores;
  scores.feature_count = 5;
  for (const std::int64_t index : indices) {
    RandomStream random(4, random_purpose::test, static_cast<std::uint32_t>(index));
    const std::int32_t subclass = data.dataset.subclasses[static_cast<std::size_t>(index)];
    std::vector<float> features;
    for (std::int32_t c = 0; c < 5; ++c)
      features.push_back(random.normal() * 0.5f + (c == subclass ? 2.0f : 0.0f));
    for (const float value : features) scores.logits.sub.push_back(3 * value);
    const float sums[] = {features[0] + features[1], features[2] + features[3], features[4]};
    for (const float value : sums) scores.logits.super.push_back(3 * value);
    scores.features.super.insert(scores.features.super.end(), features.begin(), features.end());
  }
  scores.features.sub = scores.features.super;
  return scores;
}

inline ScoredParts made_up_parts(const StudyData& data) {
  return {made_up_scores(data, data.split.train), made_up_scores(data, data.split.validation),
          made_up_scores(data, data.split.pseudo_novel), made_up_scores(data, data.split.pseudo_novel_super)};
}

}  // namespace tern::test
