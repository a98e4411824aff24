#include "engine/metrics/calibration.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

void check_rows(std::span<const float> logits, std::int32_t class_count,
                std::span<const std::int32_t> labels) {
  check(!labels.empty(), "calibration", "at least one row", "none");
  if (class_count < 1 || logits.size() != labels.size() * static_cast<std::size_t>(class_count)) {
    throw Error("calibration",
                std::to_string(labels.size()) + " rows of " + std::to_string(class_count) + " logits",
                std::to_string(logits.size()) + " logits");
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= class_count) {
      throw Error("calibration", "labels in 0.." + std::to_string(class_count - 1),
                  std::to_string(labels[i]) + " at row " + std::to_string(i));
    }
  }
  const auto classes = static_cast<std::size_t>(class_count);
  for (std::size_t r = 0; r < labels.size(); ++r) {
    const auto row = logits.subspan(r * classes, classes);
    const bool has_nan = std::any_of(row.begin(), row.end(), [](float z) { return std::isnan(z); });
    if (has_nan || !std::isfinite(*std::max_element(row.begin(), row.end()))) {
      throw Error("calibration", "logits that are numbers, one of them finite and the largest",
                  (has_nan ? "NaN at row " : "none at row ") + std::to_string(r));
    }
  }
}

/// Of one row under the inverse temperature b: log sum exp(b z), and the mean of z under softmax(b z).
struct RowSums {
  double log_sum = 0, mean_logit = 0;
};

RowSums row_sums(std::span<const float> row, double b) {
  const double largest = *std::max_element(row.begin(), row.end());
  double sum = 0, weighted = 0;
  for (const float z : row) {
    const double e = std::exp(b * (z - largest));
    if (e == 0) continue;  // 0 * -infinity is no number
    sum += e;
    weighted += e * z;
  }
  return {b * largest + std::log(sum), weighted / sum};
}

/// d NLL / d b = mean of (E[z] - z_label), which rises with b: NLL is convex in b.
double nll_derivative(std::span<const float> logits, std::int32_t class_count,
                      std::span<const std::int32_t> labels, double b) {
  double sum = 0;
  for (std::size_t r = 0; r < labels.size(); ++r) {
    const auto row =
        logits.subspan(r * static_cast<std::size_t>(class_count), static_cast<std::size_t>(class_count));
    sum += row_sums(row, b).mean_logit - row[static_cast<std::size_t>(labels[r])];
  }
  return sum / static_cast<double>(labels.size());
}

}  // namespace

std::vector<ReliabilityBin> reliability_bins(std::span<const float> confidences,
                                             std::span<const std::uint8_t> correct, int bins) {
  if (bins < 1) throw Error("calibration", "at least one bin", std::to_string(bins));
  check(!confidences.empty(), "calibration", "at least one row", "none");
  if (confidences.size() != correct.size()) {
    throw Error("calibration", "a flag for each of " + std::to_string(confidences.size()) + " confidences",
                std::to_string(correct.size()));
  }
  std::vector<ReliabilityBin> diagram(static_cast<std::size_t>(bins));
  for (int i = 0; i < bins; ++i) {
    diagram[static_cast<std::size_t>(i)].lower = static_cast<double>(i) / bins;
    diagram[static_cast<std::size_t>(i)].upper = static_cast<double>(i + 1) / bins;
  }
  for (std::size_t i = 0; i < confidences.size(); ++i) {
    const double confidence = confidences[i];
    if (!(confidence >= 0 && confidence <= 1)) {
      throw Error("calibration", "confidences in 0..1",
                  std::to_string(confidence) + " at row " + std::to_string(i));
    }
    const auto at =
        std::lower_bound(diagram.begin(), diagram.end(), confidence,
                         [](const ReliabilityBin& bin, double value) { return bin.upper < value; });
    ++at->count;
    at->mean_confidence += confidence;
    at->accuracy += correct[i] != 0;
  }
  for (ReliabilityBin& bin : diagram) {
    if (bin.count == 0) continue;
    bin.mean_confidence /= static_cast<double>(bin.count);
    bin.accuracy /= static_cast<double>(bin.count);
  }
  return diagram;
}

double expected_calibration_error(std::span<const ReliabilityBin> bins) {
  double sum = 0;
  std::int64_t rows = 0;
  for (const ReliabilityBin& bin : bins) {
    sum += static_cast<double>(bin.count) * std::abs(bin.accuracy - bin.mean_confidence);
    rows += bin.count;
  }
  return rows == 0 ? 0 : sum / static_cast<double>(rows);
}

double negative_log_likelihood(std::span<const float> logits, std::int32_t class_count,
                               std::span<const std::int32_t> labels, double temperature) {
  check_rows(logits, class_count, labels);
  if (!(temperature > 0)) throw Error("calibration", "a temperature over 0", std::to_string(temperature));
  double sum = 0;
  for (std::size_t r = 0; r < labels.size(); ++r) {
    const auto row =
        logits.subspan(r * static_cast<std::size_t>(class_count), static_cast<std::size_t>(class_count));
    sum += row_sums(row, 1 / temperature).log_sum - row[static_cast<std::size_t>(labels[r])] / temperature;
  }
  return sum / static_cast<double>(labels.size());
}

double fit_temperature(std::span<const float> logits, std::int32_t class_count,
                       std::span<const std::int32_t> labels) {
  check_rows(logits, class_count, labels);
  double low = std::log(1 / kHighestTemperature), high = std::log(1 / kLowestTemperature);  // of b
  if (nll_derivative(logits, class_count, labels, std::exp(low)) >= 0) return kHighestTemperature;
  if (nll_derivative(logits, class_count, labels, std::exp(high)) <= 0) return kLowestTemperature;
  while (high - low > 1e-12) {
    const double middle = (low + high) / 2;
    (nll_derivative(logits, class_count, labels, std::exp(middle)) < 0 ? low : high) = middle;
  }
  return std::exp(-(low + high) / 2);
}

}  // namespace tern
