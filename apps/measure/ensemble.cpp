#include "apps/measure/ensemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/common/progress.h"
#include "apps/common/ranks.h"
#include "data/outliers.h"
#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace {

void check_alike(const Run& run, const Run& first) {
  const auto refuse = [&](const char* what) {
    throw Error(run.folder().string(), fmt::format("a run with the {} of {}", what, first.folder().string()),
                "others");
  };
  const ClassTable classes = run.classes(), wanted = first.classes();
  if (classes.superclass_names != wanted.superclass_names ||
      classes.subclass_names != wanted.subclass_names ||
      classes.subclass_to_super != wanted.subclass_to_super) {
    refuse("classes");
  }
  for (const Level level : kLevels) {
    const auto has = [level](const Run& one) {
      const std::vector<Part> parts = parts_of(one.config);
      return std::any_of(parts.begin(), parts.end(), [level](Part part) { return has_level(part, level); });
    };
    if (has(run) != has(first)) refuse("levels");
    if (run.trained(level) != first.trained(level)) refuse("classes that were trained on");
  }
}

/// to += the log-probabilities of each row / count.
void add_log_probabilities(const std::vector<float>& logits, std::size_t classes, double count,
                           std::vector<float>& to) {
  if (to.empty()) to.resize(logits.size(), 0.0f);
  for (std::size_t begin = 0; begin < logits.size(); begin += classes) {
    const float* row = logits.data() + begin;
    const double largest = *std::max_element(row, row + classes);
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(row[c] - largest);
    const double log_sum = largest + std::log(sum);
    for (std::size_t c = 0; c < classes; ++c) to[begin + c] += static_cast<float>((row[c] - log_sum) / count);
  }
}

/// [runs][views] -> one.
Scores combined(std::vector<std::vector<Scores>> members, std::size_t images) {
  if (members.size() == 1 && members.front().size() == 1) return std::move(members.front().front());
  Scores scores;
  const auto count = static_cast<double>(members.size() * members.front().size());
  for (const std::vector<Scores>& views : members) {
    for (const Scores& view : views) {
      for (const Level level : kLevels) {
        if (view.logits[level].empty()) continue;
        add_log_probabilities(view.logits[level], view.logits[level].size() / images, count,
                              scores.logits[level]);
      }
    }
  }
  scores.members = std::move(members);
  return scores;
}

/// Whether the settings that the images and their split depend on are equal.
bool same_data_settings(const Run& a, const Run& b) {
  for (const ConfigKey& key : config_keys()) {
    if (key.group == "Data" && key.get(a.config) != key.get(b.config)) return false;
  }
  return a.summary_text("inputs", "data") == b.summary_text("inputs", "data") &&
         a.summary_text("inputs", "cifar") == b.summary_text("inputs", "cifar");
}

void check_same_images(const StudyData& data, const StudyData& first, const Run& run) {
  const Split &a = data.split, &b = first.split;
  if (data.dataset.names == first.dataset.names && a.train == b.train && a.validation == b.validation &&
      a.pseudo_novel == b.pseudo_novel && a.pseudo_novel_super == b.pseudo_novel_super) {
    return;
  }
  throw Error(run.folder().string(),
              "the images and the split of the first run (settings split_seed, cifar_seed)", "others");
}

}  // namespace

std::vector<Run> open_ensemble(const std::vector<std::filesystem::path>& folders) {
  std::vector<Run> runs;
  for (const std::filesystem::path& folder : folders) {
    for (const Run& earlier : runs) {
      if (same_file(folder, earlier.folder())) throw Error(folder.string(), "each run once", "it twice");
    }
    runs.push_back(Run::open(folder));
    check_alike(runs.back(), runs.front());
  }
  return runs;
}

EnsembleData load_ensemble_data(const std::vector<Run>& runs, const DataFolders& folders) {
  EnsembleData all;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto alike = std::find_if(runs.begin(), runs.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const Run& earlier) { return same_data_settings(runs[i], earlier); });
    const auto number = static_cast<std::size_t>(alike - runs.begin());
    all.push_back(number < i ? all[number]
                             : std::make_shared<const StudyData>(load_run_data(runs[i], folders)));
    check_same_images(*all.back(), *all.front(), runs[i]);
  }
  return all;
}

EnsembleModels::EnsembleModels(const std::vector<Run>& runs, const std::vector<View>& views, Device device,
                               ScoreMemo* memo)
    : views_(views), memo_(memo) {
  for (const Run& run : runs) {
    members_.push_back(std::make_unique<StudyModels>(run, device));
    folders_.push_back(run.folder());
  }
}

void EnsembleModels::share_among(Communicator* ranks) {
  std::string fingerprints;
  for (const std::unique_ptr<StudyModels>& one : members_) {
    one->share_among(ranks);
    fingerprints += fmt::format("{}{:08x}", fingerprints.empty() ? "" : ", ", one->fingerprint());
  }
  if (ranks != nullptr) tern::check_alike(*ranks, "the models", fingerprints);
}

Scores EnsembleModels::score_member(std::size_t member, const Dataset& dataset,
                                    const std::vector<std::int64_t>& indices, const char* label,
                                    bool with_features, const View& view, const StudyModels::Scored& scored) {
  const auto ask = [&](bool features) {
    return members_[member]->score(dataset, indices, scored, features, view.at(dataset.image_size));
  };
  if (memo_ == nullptr) return ask(with_features);
  const std::tuple key{folders_[member], std::string(label), view};
  const auto found = memo_->scores.find(key);
  if (found != memo_->scores.end() && (!with_features || found->second.feature_count > 0))
    return found->second;
  return memo_->scores[key] = ask(with_features || memo_->with_features);
}

Scores EnsembleModels::score_in(const std::vector<View>& shown, const std::vector<const Dataset*>& datasets,
                                const std::vector<std::int64_t>& indices, const char* label,
                                bool with_features, const StudyModels::Scored& scored) {
  const auto images = static_cast<std::int64_t>(indices.size());
  const auto looks = static_cast<std::int64_t>(members_.size() * shown.size());
  std::int64_t looks_done = 0;
  const StudyModels::Scored scored_once = [&](std::int64_t done) {
    scored((looks_done * images + done) / looks);
  };
  std::vector<std::vector<Scores>> all;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    std::vector<Scores>& views = all.emplace_back();
    for (const View& view : shown) {
      views.push_back(score_member(i, *datasets[i], indices, label, with_features, view, scored_once));
      ++looks_done;
    }
  }
  return combined(std::move(all), indices.size());
}

Scores EnsembleModels::score(const std::vector<const Dataset*>& datasets,
                             const std::vector<std::int64_t>& indices, const char* label, bool with_features,
                             const std::vector<View>& views) {
  Progress progress(label, static_cast<std::int64_t>(indices.size()), "images");
  return score_in(views, datasets, indices, label, with_features,
                  [&progress](std::int64_t done) { progress.update(done); });
}

std::size_t count_views(const ScoredParts& scored) {
  return scored.validation.members.empty() ? 1 : scored.validation.members.front().size();
}

ScoredParts parts_of_member(const ScoredParts& scored, std::size_t run, std::size_t view) {
  const auto member = [run](const Scores& scores, std::size_t number) {
    if (scores.members.empty()) return scores;  // of one run and one view, or of no image
    return scores.members[run][number];
  };
  return {member(scored.train, 0), member(scored.validation, view), member(scored.pseudo_novel, view),
          member(scored.pseudo_novel_super, view), member(scored.made, view)};
}

Scores score_outliers(EnsembleModels& models, const EnsembleData& data, std::int64_t count,
                      std::uint64_t seed, bool features) {
  std::vector<Dataset> made;
  made.reserve(data.size());
  std::vector<const Dataset*> datasets;
  for (const auto& one : data) {
    made.push_back(make_outliers(one->dataset, one->split.validation, count, seed));
    datasets.push_back(&made.back());
  }
  std::vector<std::int64_t> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  return models.score(datasets, all, "made", features);
}

ScoredParts score_parts(EnsembleModels& models, const EnsembleData& data, bool features,
                        WithTraining training) {
  std::vector<const Dataset*> datasets;
  for (const auto& one : data) datasets.push_back(&one->dataset);
  const Split& split = data.front()->split;
  const auto score = [&](const std::vector<std::int64_t>& indices, const char* label) {
    return indices.empty() ? Scores{} : models.score(datasets, indices, label, features);
  };
  ScoredParts scored;
  if (training == WithTraining::yes)
    scored.train = models.score(datasets, split.train, "train", features, std::vector<View>(1));
  scored.validation = score(split.validation, "validation");
  scored.pseudo_novel = score(split.pseudo_novel, "pseudo-novel");
  scored.pseudo_novel_super = score(split.pseudo_novel_super, "far held out");
  return scored;
}

}  // namespace tern
