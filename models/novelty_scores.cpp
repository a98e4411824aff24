#include "models/novelty_scores.h"

#include <utility>

namespace tern {
namespace {

const NoveltyTraining& checked(const NoveltyTraining& training) {
  check_training_rows("novelty scores", "features", training.features);
  check_training_rows("novelty scores", "logits", training.logits);
  check_known("novelty scores", training.logits, training.known);
  const std::int64_t rows = training.features.count();
  if (training.logits.count() != rows || static_cast<std::int64_t>(training.labels.size()) != rows) {
    throw Error("novelty scores", "logits and labels for " + std::to_string(rows) + " rows",
                std::to_string(training.logits.count()) + " and " + std::to_string(training.labels.size()));
  }
  return training;
}

}  // namespace

template <typename Model>
template <typename... Arguments>
void NoveltyScorer::Fitted<Model>::fit(Arguments&&... arguments) {
  try {
    model.emplace(std::forward<Arguments>(arguments)...);
  } catch (const Error& error) {
    failure = error.what();
  }
}

template <typename Model>
template <typename Values>
void NoveltyScorer::Fitted<Model>::add(std::vector<NoveltyScore>& scores, const char* name,
                                       Values&& values) const {
  scores.push_back({name, model ? values(*model) : std::vector<double>(), failure});
}

NoveltyScorer::NoveltyScorer(const NoveltyTraining& training, const NoveltyOptions& options)
    : known_(checked(training).known.begin(), training.known.end()),
      head_(training.head),
      temperature_(options.temperature),
      react_threshold_(react_threshold(training.features, options.react_percentile)) {
  neighbours_.fit(training.features, options.neighbours);
  mahalanobis_.fit(training.features, training.labels, static_cast<std::int32_t>(training.logits.columns),
                   options.shrinkage);
  vim_.fit(training.features, training.logits, training.known, options.vim);
  openmax_.fit(training.logits, training.labels, training.known, options.openmax);
}

std::vector<NoveltyScore> NoveltyScorer::score(const Rows& features, const Rows& logits) const {
  std::vector<NoveltyScore> scores{
      {"max_softmax", max_softmax_novelty(logits, known_), {}},
      {"temperature_scaled", max_softmax_novelty(logits, known_, temperature_), {}},
      {"max_logit", max_logit_novelty(logits, known_), {}},
      {"energy", energy_novelty(logits, known_), {}}};
  if (head_) {
    scores.push_back({"react", react_novelty(features, react_threshold_, head_, known_), {}});
  } else {
    scores.push_back({"react", {}, "react: wanted the head's function, got none"});
  }
  neighbours_.add(scores, "knn", [&](const auto& model) { return model.novelty(features); });
  mahalanobis_.add(scores, "mahalanobis", [&](const auto& model) { return model.novelty(features); });
  mahalanobis_.add(scores, "relative_mahalanobis",
                   [&](const auto& model) { return model.relative_novelty(features); });
  vim_.add(scores, "vim", [&](const auto& model) { return model.novelty(features, logits); });
  openmax_.add(scores, "openmax", [&](const auto& model) { return model.novelty(logits); });
  return scores;
}

}  // namespace tern
