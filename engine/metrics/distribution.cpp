#include "engine/metrics/distribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/core/check.h"

namespace tern {
namespace {

template <typename T>
void check_values(const char* subject, std::span<const T> values) {
  check(!values.empty(), subject, "at least one value", "none");
  const auto nan = std::find_if(values.begin(), values.end(), [](T value) { return std::isnan(value); });
  if (nan != values.end()) {
    throw Error(subject, "numbers", "NaN at row " + std::to_string(nan - values.begin()));
  }
}

template <typename T>
double percentile_of_sorted(const std::vector<T>& sorted, double p) {
  const double place = p / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double fraction = place - static_cast<double>(below);
  return sorted[below] + fraction * (static_cast<double>(sorted[above]) - sorted[below]);
}

template <typename T>
double percentile_of(std::span<const T> values, double p) {
  check_values("percentile", values);
  if (!(p >= 0 && p <= 100)) throw Error("percentile", "a percentage in 0..100", std::to_string(p));
  std::vector<T> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return percentile_of_sorted(sorted, p);
}

}  // namespace

double percentile(std::span<const float> values, double p) {
  return percentile_of(values, p);
}

double percentile(std::span<const double> values, double p) {
  return percentile_of(values, p);
}

double Distribution::percentile(int percent) const {
  const auto found = std::find(kPercents.begin(), kPercents.end(), percent);
  if (found == kPercents.end())
    throw Error("percentile", "one of those that are kept", std::to_string(percent));
  return percentiles[static_cast<std::size_t>(found - kPercents.begin())];
}

Distribution describe(std::span<const float> values) {
  check_values("distribution", values);
  Distribution result;
  result.count = static_cast<std::int64_t>(values.size());
  for (const float value : values) result.mean += value;
  result.mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const float value : values) squares += (value - result.mean) * (value - result.mean);
  result.deviation = std::sqrt(squares / static_cast<double>(values.size()));
  std::vector<float> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < Distribution::kPercents.size(); ++i) {
    result.percentiles[i] = percentile_of_sorted(sorted, Distribution::kPercents[i]);
  }
  return result;
}

std::vector<std::int64_t> histogram(std::span<const float> values, int bins, double low, double high) {
  if (bins < 1 || !(low < high))
    throw Error("histogram", "at least one bin over a range", std::to_string(bins));
  if (!values.empty()) check_values("histogram", values);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(bins), 0);
  for (const float value : values) {
    const double place = std::floor((value - low) / (high - low) * bins);
    ++counts[static_cast<std::size_t>(std::clamp(place, 0.0, static_cast<double>(bins - 1)))];
  }
  return counts;
}

std::string histogram_text(const std::vector<std::pair<std::string, std::span<const float>>>& groups,
                           int bins, int width) {
  std::vector<std::vector<std::int64_t>> counts;
  std::size_t name_width = 0;
  for (const auto& [name, values] : groups) {
    counts.push_back(histogram(values, bins, 0, 1));
    name_width = std::max(name_width, name.size());
  }
  std::string text;
  for (int bin = bins - 1; bin >= 0; --bin) {
    const auto b = static_cast<std::size_t>(bin);
    if (std::all_of(counts.begin(), counts.end(), [&](const auto& group) { return group[b] == 0; })) continue;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const std::string range = g == 0 ? fmt::format("{:.2f}-{:.2f}", static_cast<double>(bin) / bins,
                                                     static_cast<double>(bin + 1) / bins)
                                       : std::string(9, ' ');
      const double share = static_cast<double>(counts[g][b]) /
                           static_cast<double>(std::max<std::size_t>(groups[g].second.size(), 1));
      // Something of a bar for whatever is there.
      const auto bar = static_cast<std::size_t>(std::ceil(share * width));
      text += fmt::format("  {} {:<{}} |{:<{}}| {:>6} {:>6.1f} %\n", range, groups[g].first, name_width,
                          std::string(bar, '#'), width, counts[g][b], 100 * share);
    }
  }
  return text;
}

}  // namespace tern
