#include "models/novelty_logits.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "engine/core/parallel.h"

namespace tern {
namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();

void check_logits(const char* subject, const Rows& logits, KnownColumns known, double temperature) {
  check_rows(subject, "logits", logits);
  check_known(subject, logits, known);
  if (!(temperature > 0)) throw Error(subject, "a temperature over 0", std::to_string(temperature));
}

double largest_known(std::span<const float> row, KnownColumns known) {
  double largest = kNothing;
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (is_known(known, static_cast<std::int64_t>(c))) largest = std::max<double>(largest, row[c]);
  }
  return largest;
}

template <typename RowScore>
std::vector<double> by_row(const Rows& logits, RowScore&& score) {
  std::vector<double> scores(static_cast<std::size_t>(logits.count()));
  parallel_for(logits.count(), 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) scores[static_cast<std::size_t>(i)] = score(logits.row(i));
  });
  return scores;
}

}  // namespace

std::vector<double> max_softmax_novelty(const Rows& logits, KnownColumns known, double temperature) {
  check_logits("max_softmax", logits, known, temperature);
  return by_row(logits, [=](std::span<const float> row) {
    const double largest = *std::max_element(row.begin(), row.end()), best = largest_known(row, known);
    double others = 0, all = 0;
    bool best_found = false;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const double e = std::exp((row[c] - largest) / temperature);
      all += e;
      const bool is_best = !best_found && row[c] == best && is_known(known, static_cast<std::int64_t>(c));
      best_found = best_found || is_best;
      if (!is_best) others += e;
    }
    return others / all;
  });
}

std::vector<double> max_logit_novelty(const Rows& logits, KnownColumns known) {
  check_logits("max_logit", logits, known, 1);
  return by_row(logits, [=](std::span<const float> row) { return -largest_known(row, known); });
}

std::vector<double> energy_novelty(const Rows& logits, KnownColumns known, double temperature) {
  check_logits("energy", logits, known, temperature);
  return by_row(logits, [=](std::span<const float> row) {
    const double largest = largest_known(row, known);
    double sum = 0;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (is_known(known, static_cast<std::int64_t>(c))) sum += std::exp((row[c] - largest) / temperature);
    }
    return -largest - temperature * std::log(sum);
  });
}

std::vector<double> gen_novelty(const Rows& logits, KnownColumns known, const GenOptions& options) {
  check_logits("gen", logits, known, 1);
  if (!(options.gamma > 0 && options.gamma < 1)) {
    throw Error("gen", "a gamma between 0 and 1", std::to_string(options.gamma));
  }
  if (options.largest < 1) throw Error("gen", "at least one probability", std::to_string(options.largest));
  return by_row(logits, [=](std::span<const float> row) {
    const double largest = largest_known(row, known);
    std::vector<double> exponentials;
    double sum = 0;
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (!is_known(known, static_cast<std::int64_t>(c))) continue;
      exponentials.push_back(std::exp(row[c] - largest));
      sum += exponentials.back();
    }
    const auto taken = static_cast<std::ptrdiff_t>(
        std::min<std::size_t>(exponentials.size(), static_cast<std::size_t>(options.largest)));
    std::partial_sort(exponentials.begin(), exponentials.begin() + taken, exponentials.end(),
                      std::greater<>());
    // 1 - p of the most probable from the others, so that p near 1 keeps its digits.
    double entropy = 0;
    for (std::ptrdiff_t i = 0; i < taken; ++i) {
      const double e = exponentials[static_cast<std::size_t>(i)];
      const double rest =
          i == 0 ? std::accumulate(exponentials.begin() + 1, exponentials.end(), 0.0) : sum - e;
      entropy += std::pow(e / sum * (rest / sum), options.gamma);
    }
    return entropy;
  });
}

float react_threshold(const Rows& training_features, double percentile) {
  check_training_rows("react", "features", training_features);
  if (!(percentile > 0 && percentile <= 100)) {
    throw Error("react", "a percentile over 0 and up to 100", std::to_string(percentile));
  }
  std::vector<float> values(training_features.values.begin(), training_features.values.end());
  const double place = percentile / 100 * static_cast<double>(values.size() - 1);
  const auto below = values.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(values.begin(), below, values.end());
  if (below + 1 == values.end()) return *below;
  const double next = *std::min_element(below + 1, values.end());
  return static_cast<float>(*below + (place - std::floor(place)) * (next - *below));
}

std::vector<double> react_novelty(const Rows& features, float threshold, const HeadFunction& head,
                                  KnownColumns known) {
  check_rows("react", "features", features);
  if (features.count() == 0) return {};
  std::vector<float> clipped(features.values.begin(), features.values.end());
  for (float& value : clipped) value = std::min(value, threshold);
  const std::vector<float> logits = head({clipped, features.columns});
  return energy_novelty({logits, static_cast<std::int64_t>(logits.size()) / features.count()}, known);
}

}  // namespace tern
