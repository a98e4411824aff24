#include "engine/metrics/thresholds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/core/check.h"
#include "engine/metrics/distribution.h"

namespace tern {
namespace {

void check_confidences(const char* group, std::span<const float> values) {
  for (const float value : values) {
    if (value >= 0 && value <= 1) continue;
    throw Error("thresholds", std::string("confidences in 0..1 for the ") + group + " images",
                std::to_string(value));
  }
}

void check_groups(const ConfidenceGroups& groups) {
  check(!groups.seen.empty(), "thresholds", "at least one seen image", "none");
  if (groups.seen_correct.size() != groups.seen.size()) {
    throw Error("thresholds", "a flag for each of " + std::to_string(groups.seen.size()) + " seen images",
                std::to_string(groups.seen_correct.size()));
  }
  check_confidences("seen", groups.seen);
  check_confidences("novel", groups.novel);
}

/// Counts of what lies under a tau, by binary search in sorted lists.
class Counts {
 public:
  explicit Counts(const ConfidenceGroups& groups) : seen_(groups.seen), novel_(groups.novel) {
    for (std::size_t i = 0; i < groups.seen.size(); ++i) {
      if (groups.seen_correct[i] != 0) right_.push_back(groups.seen[i]);
    }
    for (std::vector<float>* list : {&seen_, &right_, &novel_}) std::sort(list->begin(), list->end());
  }

  double kept(float tau) const { return share(at_least(seen_, tau), seen_); }
  double right(float tau) const { return share(at_least(right_, tau), seen_); }
  double found(float tau) const { return 1 - share(at_least(novel_, tau), novel_); }

  /// Every confidence, ascending, and one just over the largest: taus between two of them act as the upper.
  std::vector<float> taus() const {
    std::vector<float> all(seen_);
    all.insert(all.end(), novel_.begin(), novel_.end());
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    all.push_back(std::min(1.0f, std::nextafter(all.back(), 2.0f)));
    return all;
  }

 private:
  static std::int64_t at_least(const std::vector<float>& sorted, float tau) {
    return sorted.end() - std::lower_bound(sorted.begin(), sorted.end(), tau);
  }
  static double share(std::int64_t count, const std::vector<float>& of) {
    return static_cast<double>(count) / static_cast<double>(of.size());
  }

  std::vector<float> seen_, right_, novel_;
};

/// The tau of the highest value, the lowest such tau.
template <typename Value>
double best_tau(const std::vector<float>& taus, Value&& value) {
  double best = taus.front(), best_value = -std::numeric_limits<double>::infinity();
  for (const float tau : taus) {
    if (const double candidate = value(tau); candidate > best_value) best = tau, best_value = candidate;
  }
  return best;
}

double harmonic_mean(double a, double b) {
  return a + b > 0 ? 2 * a * b / (a + b) : 0;
}

}  // namespace

ThresholdRates rates_at(const ConfidenceGroups& groups, double tau) {
  const auto threshold = static_cast<float>(tau);
  std::int64_t kept = 0, right = 0, found = 0;
  for (std::size_t i = 0; i < groups.seen.size(); ++i) {
    const bool is_kept = groups.seen[i] >= threshold;
    kept += is_kept;
    right += is_kept && groups.seen_correct[i] != 0;
  }
  for (const float confidence : groups.novel) found += !(confidence >= threshold);
  const auto seen = static_cast<std::int64_t>(groups.seen.size());
  ThresholdRates rates{tau, percent(kept, seen), percent(right, seen),
                       percent(found, static_cast<std::int64_t>(groups.novel.size())), std::nullopt};
  if (rates.seen_right && rates.novel_found) {
    rates.harmonic_mean = harmonic_mean(*rates.seen_right, *rates.novel_found);
  }
  return rates;
}

std::vector<ThresholdCandidate> threshold_candidates(const ConfidenceGroups& groups, double target_rate) {
  check_groups(groups);
  if (!(target_rate > 0 && target_rate <= 1)) {
    throw Error("thresholds", "a target rate over 0 and up to 1", std::to_string(target_rate));
  }
  const Distribution seen = describe(groups.seen);
  const Counts counts(groups);
  const std::vector<float> taus = counts.taus();
  std::vector<ThresholdCandidate> candidates{
      {"p10_seen", seen.percentile(10)},
      {"p5_seen", seen.percentile(5)},
      {"mean_minus_deviation", std::clamp(seen.mean - seen.deviation, 0.0, 1.0)}};
  // Shares are counts over counts: a hair's breadth keeps .95 of 20 from asking for 20.
  constexpr double kHair = 1e-9;
  const auto last_kept = std::find_if(taus.rbegin(), taus.rend(),
                                      [&](float tau) { return counts.kept(tau) >= target_rate - kHair; });
  candidates.push_back({"seen_target", *last_kept});
  if (groups.novel.empty()) return candidates;

  candidates.push_back({"mean_midpoint", (seen.mean + describe(groups.novel).mean) / 2});
  candidates.push_back({"equal_error_rate", best_tau(taus, [&](float tau) {
                          return -std::abs((1 - counts.kept(tau)) - (1 - counts.found(tau)));
                        })});
  const auto first_found = std::find_if(taus.begin(), taus.end(),
                                        [&](float tau) { return counts.found(tau) >= target_rate - kHair; });
  if (first_found != taus.end()) candidates.push_back({"novel_target", *first_found});
  candidates.push_back({"best_harmonic_mean", best_tau(taus, [&](float tau) {
                          return harmonic_mean(counts.right(tau), counts.found(tau));
                        })});
  return candidates;
}

std::vector<std::string> threshold_rules() {
  return {"p10_seen",      "p5_seen",          "mean_minus_deviation", "seen_target",
          "mean_midpoint", "equal_error_rate", "novel_target",         "best_harmonic_mean"};
}

}  // namespace tern
