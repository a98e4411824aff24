// Where to put tau, below which an answer becomes "novel", given confidences (largest probabilities) of seen
// and of novel images. The rule is engine/metrics/confidence.h's: novel unless confidence >= tau.
//
//   kept(tau)    share of the seen images with confidence >= tau
//   right(tau)   share of the seen images that are kept and answered rightly
//   found(tau)   share of the novel images with confidence < tau
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/metrics/accuracy.h"

namespace tern {

/// One head's images: of known classes, and of unknown ones. Any but `seen` may be empty.
struct ConfidenceGroups {
  std::vector<float> seen;
  std::vector<std::uint8_t> seen_correct;  ///< 1: the class is right, were it kept
  std::vector<float> novel;
};

struct ThresholdRates {
  double tau = 0;
  Percent seen_kept, seen_right, novel_found;  ///< in percent; none where there are no such images
  Percent harmonic_mean;                       ///< of seen_right and novel_found
};
/// Confidences and tau are compared in single precision, as engine/metrics/confidence.h compares them.
ThresholdRates rates_at(const ConfidenceGroups& groups, double tau);

struct ThresholdCandidate {
  std::string name;
  double tau = 0;
};

/// Every rule that the images allow, in this order:
///   p10_seen, p5_seen      percentiles of the seen
///   mean_minus_deviation   of the seen, within 0 .. 1
///   seen_target            the largest tau that keeps `target_rate` of the seen
///   mean_midpoint          between the means of seen and novel
///   equal_error_rate       as many seen lost as novel missed, in shares
///   novel_target           the smallest tau that finds `target_rate` of the novel
///   best_harmonic_mean     of right(tau) and found(tau), the lowest such tau
/// The last four need novel images. Throws Error{"thresholds", ...} if nothing is seen, a confidence is not
/// in [0, 1], the flags do not fit, or target_rate is not in (0, 1].
std::vector<ThresholdCandidate> threshold_candidates(const ConfidenceGroups& groups,
                                                     double target_rate = 0.95);

/// The names of all rules, in that order.
std::vector<std::string> threshold_rules();

}  // namespace tern
