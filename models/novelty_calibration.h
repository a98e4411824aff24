// From a novelty score to the probability that an image is novel, fitted to held-out images of both kinds:
//
//   P(novel | s) = 1 / (1 + exp(-(slope (s - mean) / deviation + intercept)))
//
// The slope and the intercept minimise the cross-entropy with Platt's targets, (N + 1) / (N + 2) for the N
// novel images and 1 / (S + 2) for the S seen ones ("Probabilistic Outputs for Support Vector Machines",
// 1999), which keep a score that separates the two from a slope without end, plus penalty / 2 slope^2.
//
// Where novel images will be more or less frequent than among those fitted to, the odds shift by the ratio of
// the odds of the two shares (Saerens, Latinne and Decaestecker, "Adjusting the Outputs of a Classifier to
// New a Priori Probabilities", 2002), which is right as long as each kind scores as it did.
#pragma once

#include <span>
#include <vector>

namespace tern {

struct NoveltyCalibration {
  double mean = 0, deviation = 1;  ///< of the scores fitted to, all together; deviation over 0
  double slope = 0, intercept = 0;
  double novel_share = 0.5;  ///< of the images fitted to, or the one expected; over 0, under 1

  double probability(double score) const;  ///< NaN for NaN
  std::vector<double> probabilities(std::span<const double> scores) const;

  /// The same with another share of novel images. Throws Error{"novelty calibration", ...} unless it is over
  /// 0 and under 1.
  NoveltyCalibration with_novel_share(double expected) const;
};

/// A higher score means more novel; the slope is negative if these scores say otherwise, and 0 if they are
/// all equal. Throws Error{"novelty calibration", ...} if there is none of one kind, a score is not finite,
/// or the penalty is negative or not finite.
NoveltyCalibration calibrate_novelty(std::span<const double> seen, std::span<const double> novel,
                                     double penalty = 1);

}  // namespace tern
