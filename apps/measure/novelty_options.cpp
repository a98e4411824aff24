// How the parameters of novelty scores are chosen.
#include <array>

#include "apps/measure/novelty_confidence.h"
#include "engine/metrics/calibration.h"
#include "engine/metrics/roc.h"

namespace tern {
namespace {

/// Both halves that calibrate.
struct CalibrationRows {
  LevelRows seen, novel;

  CalibrationRows(const LevelGroups& groups, std::uint64_t seed)
      : seen(half(groups, ImageKind::seen, seed)), novel(half(groups, novel_kind(groups), seed)) {}

  static LevelRows half(const LevelGroups& groups, ImageKind kind, std::uint64_t seed) {
    const LevelRows& rows = rows_of(groups, kind);
    return rows_where(rows, calibration_half(groups.level, kind, rows.count(), seed), 1);
  }
  bool can_choose() const { return seen.count() > 0 && novel.count() > 0; }
};

double auroc_of(const NoveltyScorer& scorer, const std::string& name, const CalibrationRows& rows) {
  const auto values = [&](const LevelRows& of) {
    return scorer.score(name, of.feature_rows(), of.logit_rows());
  };
  const NoveltyScore seen = values(rows.seen), novel = values(rows.novel);
  if (!seen.unavailable.empty()) return -1;
  return novelty_metrics(seen.values, novel.values).auroc;
}

/// Sets `option` to the first of the candidates with the best AUROC; leaves it where none can be fitted.
template <typename T, std::size_t count>
void choose(const std::array<T, count>& candidates, T& option, const NoveltyTraining& training,
            const NoveltyOptions& options, const std::string& name, const CalibrationRows& rows) {
  double best = -1;
  T chosen = option;
  for (const T candidate : candidates) {
    option = candidate;
    const double auroc = auroc_of(NoveltyScorer(training, options, {name}), name, rows);
    if (!(auroc > best)) continue;
    best = auroc;
    chosen = candidate;
  }
  option = chosen;
}

/// The same for k of KNN, with all training rows compared once.
void choose_neighbours(const NoveltyTraining& training, const CalibrationRows& rows, std::int64_t& k) {
  std::vector<std::int64_t> candidates;
  for (const std::int64_t candidate : {1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 100, 200}) {
    if (candidate <= training.features.count()) candidates.push_back(candidate);
  }
  const NearestNeighbours neighbours(training.features, 1);
  const auto seen = neighbours.novelty(rows.seen.feature_rows(), candidates);
  const auto novel = neighbours.novelty(rows.novel.feature_rows(), candidates);
  double best = -1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double auroc = novelty_metrics(seen[i], novel[i]).auroc;
    if (!(auroc > best)) continue;
    best = auroc;
    k = candidates[i];
  }
}

}  // namespace

NoveltyOptions choose_novelty_options(const NoveltyTraining& training, const LevelGroups& groups,
                                      const std::vector<std::string>& names, std::uint64_t seed) {
  const CalibrationRows rows(groups, seed);
  NoveltyOptions options;
  for (const std::string& name : names) {
    if (name == "temperature_scaled" && rows.seen.count() > 0) {
      options.temperature = fit_temperature(
          rows.seen.logits, static_cast<std::int32_t>(rows.seen.class_count), rows.seen.labels);
    }
    if (!rows.can_choose()) continue;
    if (name == "knn") choose_neighbours(training, rows, options.neighbours);
    if (name == "react") {
      constexpr std::array kPercentiles{80.0, 85.0, 90.0, 95.0, 97.5, 99.0};
      choose(kPercentiles, options.react_percentile, training, options, name, rows);
    }
    if (name == "openmax") {
      constexpr std::array<std::int64_t, 5> kTails{5, 10, 20, 40, 80};
      choose(kTails, options.openmax.tail, training, options, name, rows);
    }
  }
  return options;
}

}  // namespace tern
