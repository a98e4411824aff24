#include "models/novelty_scores.h"

#include <algorithm>
#include <string_view>
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

struct NoveltyScorer::Method {
  const char* name;
  const char* model;  ///< that it needs: the names of visit_models(), "react" and "" for none
  std::vector<double> (*novelty)(const NoveltyScorer& self, const Rows& features, const Rows& logits);
};

const std::vector<NoveltyScorer::Method>& NoveltyScorer::methods() {
  using Self = const NoveltyScorer&;
  using In = const Rows&;
  static const std::vector<Method> all{
      {"max_softmax", "", [](Self self, In, In logits) { return max_softmax_novelty(logits, self.known_); }},
      {"temperature_scaled", "",
       [](Self self, In, In logits) { return max_softmax_novelty(logits, self.known_, self.temperature_); }},
      {"max_logit", "", [](Self self, In, In logits) { return max_logit_novelty(logits, self.known_); }},
      {"energy", "", [](Self self, In, In logits) { return energy_novelty(logits, self.known_); }},
      {"gen", "", [](Self self, In, In logits) { return gen_novelty(logits, self.known_, self.gen_); }},
      {"react", "react",
       [](Self self, In features, In) {
         if (!self.head_) throw Unavailable{"react: wanted the head's function, got none"};
         return react_novelty(features, self.react_threshold_, self.head_, self.known_);
       }},
      {"knn", "knn", [](Self self, In features, In) { return self.neighbours_.get().novelty(features); }},
      {"mahalanobis", "mahalanobis",
       [](Self self, In features, In) { return self.mahalanobis_.get().novelty(features); }},
      {"relative_mahalanobis", "mahalanobis",
       [](Self self, In features, In) { return self.mahalanobis_.get().relative_novelty(features); }},
      {"normalized_mahalanobis", "normalized_mahalanobis",
       [](Self self, In features, In) { return self.normalized_mahalanobis_.get().novelty(features); }},
      {"normalized_relative_mahalanobis", "normalized_mahalanobis",
       [](Self self, In features, In) {
         return self.normalized_mahalanobis_.get().relative_novelty(features);
       }},
      {"vim", "vim",
       [](Self self, In features, In logits) { return self.vim_.get().novelty(features, logits); }},
      {"openmax", "openmax", [](Self self, In, In logits) { return self.openmax_.get().novelty(logits); }}};
  return all;
}

const std::vector<std::string>& novelty_score_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    for (const NoveltyScorer::Method& method : NoveltyScorer::methods()) result.emplace_back(method.name);
    return result;
  }();
  return names;
}

const NoveltyScorer::Method& NoveltyScorer::find_method(const std::string& name) {
  const auto found = std::find_if(methods().begin(), methods().end(),
                                  [&](const Method& method) { return method.name == name; });
  if (found != methods().end()) return *found;
  std::string list;
  for (const std::string& one : novelty_score_names()) list += (list.empty() ? "" : ", ") + one;
  throw Error("novelty scores", "one of " + list, name);
}

template <typename Model>
void NoveltyScorer::Fitted<Model>::fit(auto&&... arguments) {
  try {
    model.emplace(arguments...);
  } catch (const Error& error) {
    failure = error.what();
  }
}

template <typename Model>
const Model& NoveltyScorer::Fitted<Model>::get() const {
  if (!model) throw Unavailable{failure};
  return *model;
}

bool NoveltyScorer::needs(std::string_view model) const {
  return std::any_of(names_.begin(), names_.end(),
                     [&](const std::string& name) { return find_method(name).model == model; });
}

NoveltyScorer::NoveltyScorer(const NoveltyTraining& training, const NoveltyOptions& options,
                             std::vector<std::string> names)
    : names_(std::move(names)),
      known_(checked(training).known.begin(), training.known.end()),
      head_(training.head),
      temperature_(options.temperature),
      gen_(options.gen) {
  const auto& [features, logits, labels, known, head] = training;
  const auto classes = static_cast<std::int32_t>(logits.columns);
  if (needs("react")) react_threshold_ = react_threshold(features, options.react_percentile);
  if (needs("knn")) neighbours_.fit(features, options.neighbours);
  if (needs("mahalanobis")) mahalanobis_.fit(features, labels, classes, options.shrinkage);
  if (needs("normalized_mahalanobis")) {
    normalized_mahalanobis_.fit(features, labels, classes, options.shrinkage, true);
  }
  if (needs("vim")) vim_.fit(features, logits, known, options.vim);
  if (needs("openmax")) openmax_.fit(logits, labels, known, options.openmax);
}

void NoveltyScorer::fields(auto& self, auto& state) {
  state("known", self.known_);
  state("temperature", self.temperature_);
  state("gen_gamma", self.gen_.gamma);
  state("gen_largest", self.gen_.largest);
  state("react_threshold", self.react_threshold_);
}

NoveltyScorer::NoveltyScorer(NoveltyStateReader state, std::vector<std::string> names, HeadFunction head)
    : names_(std::move(names)), head_(std::move(head)) {
  fields(*this, state);
  const auto read = [&](const char* name, auto& fitted, auto... more) {
    if (!needs(name)) return;
    NoveltyStateReader inside = state.inside(name);
    fitted.model.emplace(inside, more...);
  };
  read("knn", neighbours_);
  read("mahalanobis", mahalanobis_, false);
  read("normalized_mahalanobis", normalized_mahalanobis_, true);
  read("vim", vim_);
  read("openmax", openmax_);
}

void NoveltyScorer::write(NoveltyStateWriter state) const {
  fields(*this, state);
  const auto write = [&](const char* name, const auto& fitted) {
    if (!needs(name)) return;
    if (!fitted.model) throw Error("novelty scores", fitted.failure);
    NoveltyStateWriter inside = state.inside(name);
    fitted.model->write(inside);
  };
  write("knn", neighbours_);
  write("mahalanobis", mahalanobis_);
  write("normalized_mahalanobis", normalized_mahalanobis_);
  write("vim", vim_);
  write("openmax", openmax_);
}

std::vector<NoveltyScore> NoveltyScorer::score(const Rows& features, const Rows& logits) const {
  std::vector<NoveltyScore> scores;
  for (const std::string& name : names_) scores.push_back(score(name, features, logits));
  return scores;
}

Rows NoveltyScorer::training_directions() const {
  return neighbours_.model ? neighbours_.model->training_directions() : Rows{};
}

NoveltyScore NoveltyScorer::score(const std::string& name, const Rows& features, const Rows& logits) const {
  NoveltyScore score{name, {}, {}};
  try {
    score.values = find_method(name).novelty(*this, features, logits);
  } catch (const Unavailable& unavailable) {
    score.unavailable = unavailable.why;
  }
  return score;
}

}  // namespace tern
