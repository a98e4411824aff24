#include "engine/metrics/novelty_thresholds.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

constexpr const char* kThresholds = "novelty thresholds";
// Shares are sums of rounded quotients: a hair's breadth keeps .95 of 20 from asking for 20, and two equal
// values equal.
constexpr double kSlack = 1e-9;

void check_group(const NoveltyGroup& group) {
  const auto nan =
      std::find_if(group.scores.begin(), group.scores.end(), [](double score) { return std::isnan(score); });
  if (nan != group.scores.end()) {
    throw Error(kThresholds,
                std::string("numbers for the ") + (group.is_novel ? "novel" : "known") + " scores",
                "NaN at row " + std::to_string(nan - group.scores.begin()));
  }
  if (!group.is_novel && group.correct.size() != group.scores.size()) {
    throw Error(kThresholds, "a flag for each of " + std::to_string(group.scores.size()) + " known images",
                std::to_string(group.correct.size()));
  }
  if (group.weight && !(*group.weight >= 0 && std::isfinite(*group.weight))) {
    throw Error(kThresholds, "weights of at least 0", std::to_string(*group.weight));
  }
}

double weight_of(const NoveltyGroup& group) {
  return group.scores.empty() ? 0 : group.weight.value_or(static_cast<double>(group.scores.size()));
}

double mean_of_rates(double a, double b) {
  return a + b > 0 ? 2 * a * b / (a + b) : 0;
}

}  // namespace

NoveltyThresholds::NoveltyThresholds(std::span<const NoveltyGroup> groups) {
  double known = 0, novel = 0;
  for (const NoveltyGroup& group : groups) {
    check_group(group);
    check(group.weight.has_value() == groups[0].weight.has_value(), kThresholds,
          "a weight for every group or none", "some");
    if (weight_of(group) == 0) continue;
    (group.is_novel ? novel : known) += weight_of(group);
    scores_.insert(scores_.end(), group.scores.begin(), group.scores.end());
  }
  check(known > 0, kThresholds, "at least one known image", "none");
  std::sort(scores_.begin(), scores_.end());
  scores_.erase(std::unique(scores_.begin(), scores_.end()), scores_.end());
  for (const NoveltyGroup& group : groups) {
    const double weight = weight_of(group);
    if (weight != 0) count(group, weight / (group.is_novel ? novel : known));
  }
  known_weight_ = known / (known + novel);
  novel_weight_ = novel / (known + novel);
  first_cut_ = scores_[0] == -std::numeric_limits<double>::infinity() ? 1 : 0;
}

void NoveltyThresholds::count(const NoveltyGroup& group, double weight) {
  Counted counted{group.is_novel,
                  weight,
                  static_cast<std::int64_t>(group.scores.size()),
                  std::vector<std::int64_t>(scores_.size(), 0),
                  {}};
  if (!group.is_novel) counted.right.resize(scores_.size(), 0);
  for (std::size_t i = 0; i < group.scores.size(); ++i) {
    const auto place = static_cast<std::size_t>(
        std::lower_bound(scores_.begin(), scores_.end(), group.scores[i]) - scores_.begin());
    ++counted.kept[place];
    if (!group.is_novel) counted.right[place] += group.correct[i] != 0;
  }
  for (std::vector<std::int64_t>* counts : {&counted.kept, &counted.right}) {
    for (std::size_t i = 1; i < counts->size(); ++i) (*counts)[i] += (*counts)[i - 1];
  }
  groups_.push_back(std::move(counted));
}

NoveltyThresholds::Shares NoveltyThresholds::shares(std::size_t cut) const {
  Shares shares;
  for (const Counted& group : groups_) {
    const auto share = [&](std::int64_t part) {
      return group.weight * static_cast<double>(part) / static_cast<double>(group.images);
    };
    const std::int64_t kept = cut == 0 ? 0 : group.kept[cut - 1];
    if (group.is_novel) {
      shares.found += share(group.images - kept);
    } else {
      shares.kept += share(kept);
      shares.right += share(cut == 0 ? 0 : group.right[cut - 1]);
    }
  }
  shares.accuracy = known_weight_ * shares.right + novel_weight_ * shares.found;
  return shares;
}

double NoveltyThresholds::threshold_of(std::size_t cut) const {
  if (cut == 0) return std::nextafter(scores_[0], -std::numeric_limits<double>::infinity());
  const double lower = scores_[cut - 1];
  if (cut == scores_.size()) return lower;
  const double middle = lower / 2 + scores_[cut] / 2;
  return middle >= lower && middle < scores_[cut] ? middle : lower;
}

template <typename Value>
std::optional<double> NoveltyThresholds::best(const Value& value) const {
  if (novel_weight_ == 0) return std::nullopt;
  std::size_t best_cut = scores_.size();
  double best_value = value(shares(best_cut));
  for (std::size_t cut = scores_.size(); cut-- > first_cut_;) {
    const double candidate = value(shares(cut));
    if (candidate > best_value + kSlack) best_cut = cut, best_value = candidate;
  }
  return threshold_of(best_cut);
}

NoveltyRates NoveltyThresholds::rates_at(double threshold) const {
  check(!std::isnan(threshold), kThresholds, "a number as the threshold", "NaN");
  const Shares at = shares(static_cast<std::size_t>(
      std::upper_bound(scores_.begin(), scores_.end(), threshold) - scores_.begin()));
  NoveltyRates rates{threshold, 100 * at.kept, 100 * at.right, std::nullopt, std::nullopt, 100 * at.accuracy};
  if (novel_weight_ != 0) {
    rates.novel_found = 100 * at.found;
    rates.harmonic_mean = 100 * mean_of_rates(at.right, at.found);
  }
  return rates;
}

double NoveltyThresholds::lose_at_most(double rate) const {
  if (!(rate >= 0 && rate < 1))
    throw Error(kThresholds, "a rate of at least 0, under 1", std::to_string(rate));
  std::size_t cut = 1;
  while (cut < scores_.size() && shares(cut).kept < 1 - rate - kSlack) ++cut;
  return scores_[cut - 1];
}

std::optional<double> NoveltyThresholds::find_at_least(double rate) const {
  if (!(rate > 0 && rate <= 1)) throw Error(kThresholds, "a rate over 0 and up to 1", std::to_string(rate));
  if (novel_weight_ == 0) return std::nullopt;
  for (std::size_t cut = scores_.size(); cut-- > first_cut_;) {
    if (shares(cut).found >= rate - kSlack) return threshold_of(cut);
  }
  return std::nullopt;
}

std::optional<double> NoveltyThresholds::best_expected_accuracy() const {
  return best([](const Shares& at) { return at.accuracy; });
}

std::optional<double> NoveltyThresholds::best_harmonic_mean() const {
  return best([](const Shares& at) { return mean_of_rates(at.right, at.found); });
}

std::optional<double> NoveltyThresholds::equal_error_rate() const {
  return best([](const Shares& at) { return -std::abs((1 - at.kept) - (1 - at.found)); });
}

namespace {

void check_answers(std::span<const NoveltyGroup> groups, std::span<const std::vector<std::int32_t>> answers,
                   std::int32_t class_count, const ClassThresholdOptions& options) {
  if (answers.size() != groups.size()) {
    throw Error(kThresholds, "answers of " + std::to_string(groups.size()) + " groups",
                std::to_string(answers.size()));
  }
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (answers[g].size() != groups[g].scores.size()) {
      throw Error(kThresholds, "an answer for each of " + std::to_string(groups[g].scores.size()) + " images",
                  std::to_string(answers[g].size()));
    }
    for (const std::int32_t answer : answers[g]) {
      if (answer >= 0 && answer < class_count) continue;
      throw Error(kThresholds, "answers of " + std::to_string(class_count) + " classes",
                  std::to_string(answer));
    }
  }
  if (options.least_images < 0) {
    throw Error(kThresholds, "at least 0 images of a class", std::to_string(options.least_images));
  }
  if (!(options.prior_images >= 0 && std::isfinite(options.prior_images))) {
    throw Error(kThresholds, "a prior of at least 0 images", std::to_string(options.prior_images));
  }
}

/// By class, the groups' images that are answered with it.
std::vector<std::vector<NoveltyGroup>> groups_by_class(std::span<const NoveltyGroup> groups,
                                                       std::span<const std::vector<std::int32_t>> answers,
                                                       std::int32_t class_count) {
  std::vector<std::vector<NoveltyGroup>> by_class(static_cast<std::size_t>(std::max(class_count, 0)));
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (auto& parts : by_class) parts.push_back({groups[g].is_novel, {}, {}, 0.0});
    const double image_weight = weight_of(groups[g]) / static_cast<double>(groups[g].scores.size());
    for (std::size_t i = 0; i < groups[g].scores.size(); ++i) {
      NoveltyGroup& part = by_class[static_cast<std::size_t>(answers[g][i])].back();
      part.scores.push_back(groups[g].scores[i]);
      if (!part.is_novel) part.correct.push_back(groups[g].correct[i]);
      *part.weight += image_weight;
    }
  }
  return by_class;
}

}  // namespace

std::vector<double> class_thresholds(std::span<const NoveltyGroup> groups,
                                     std::span<const std::vector<std::int32_t>> answers,
                                     std::int32_t class_count, const ThresholdRule& rule,
                                     const ClassThresholdOptions& options) {
  const std::optional<double> of_all = rule(NoveltyThresholds(groups));
  check_answers(groups, answers, class_count, options);
  check(of_all.has_value(), kThresholds, "a threshold of all images", "none by this rule");
  std::vector<double> thresholds;
  for (const std::vector<NoveltyGroup>& parts : groups_by_class(groups, answers, class_count)) {
    std::int64_t known = 0;
    for (const NoveltyGroup& part : parts) {
      if (!part.is_novel && *part.weight > 0) known += static_cast<std::int64_t>(part.scores.size());
    }
    thresholds.push_back(*of_all);
    if (known == 0 || known < options.least_images) continue;
    const std::optional<double> own = rule(NoveltyThresholds(parts));
    if (!own || !std::isfinite(*own)) continue;
    const double prior_share = options.prior_images / (static_cast<double>(known) + options.prior_images);
    // The threshold of all may be infinite, and 0 of that is no number.
    thresholds.back() = prior_share == 0 ? *own : (1 - prior_share) * *own + prior_share * *of_all;
  }
  return thresholds;
}

}  // namespace tern
