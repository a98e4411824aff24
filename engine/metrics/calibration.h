// Whether a classifier is right as often as it claims.
//
//   NLL = - mean over rows of log softmax(z / T)[label]
//   ECE = sum over bins b of |b| / n * |accuracy(b) - mean confidence(b)|       (Guo et al. 2017)
//
// A confidence is the probability of the class that was answered. Of B bins of equal width, bin i holds the
// confidences in (i / B, (i + 1) / B], the first one 0 too.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tern {

/// One bar of the reliability diagram. Means are 0 where count is 0.
struct ReliabilityBin {
  double lower = 0, upper = 0;
  std::int64_t count = 0;
  double mean_confidence = 0;
  double accuracy = 0;
};

/// `correct`: 1 where the answer was right. Throws Error{"calibration", ...} if there are no rows or no bins,
/// the lengths differ, or a confidence is not in [0, 1] (NaN is not).
std::vector<ReliabilityBin> reliability_bins(std::span<const float> confidences,
                                             std::span<const std::uint8_t> correct, int bins = 15);

/// The expected calibration error of the diagram, a fraction.
double expected_calibration_error(std::span<const ReliabilityBin> bins);

// logits: [rows, class_count], row-major; a column of -infinity, or of models/losses.h's kMaskedLogit, is no
// class. labels: [rows]. Each throws Error{"calibration", ...} if there are no rows, the sizes disagree, a
// label is outside 0 .. class_count - 1, a logit is NaN, a row's largest is infinite, or the temperature is
// not over 0.

/// In nats; infinite where a row's label is no class.
double negative_log_likelihood(std::span<const float> logits, std::int32_t class_count,
                               std::span<const std::int32_t> labels, double temperature = 1);

inline constexpr double kLowestTemperature = 0.01, kHighestTemperature = 100;

/// The temperature of least NLL within [kLowestTemperature, kHighestTemperature]; the lower end for logits
/// whose largest is always right, where the NLL falls all the way.
double fit_temperature(std::span<const float> logits, std::int32_t class_count,
                       std::span<const std::int32_t> labels);

}  // namespace tern
