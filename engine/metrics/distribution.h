// What a list of numbers looks like: count, mean, spread, percentiles, and a histogram for a terminal.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tern {

/// The percentile p (0 .. 100), interpolated linearly between order statistics as NumPy does. Throws
/// Error{"percentile", ...} if there is no value, one is NaN, or p is out of range.
double percentile(std::span<const float> values, double p);
double percentile(std::span<const double> values, double p);

struct Distribution {
  static constexpr std::array<int, 9> kPercents{1, 5, 10, 25, 50, 75, 90, 95, 99};

  std::int64_t count = 0;
  double mean = 0;
  double deviation = 0;  ///< of the whole population (divided by n), as NumPy's std()
  std::array<double, 9> percentiles{};

  double percentile(int percent) const;  ///< one of kPercents
};

/// Throws Error{"distribution", ...} if there is no value or one is NaN.
Distribution describe(std::span<const float> values);

/// Counts in `bins` bins of equal width over [low, high], the last with its upper edge; values outside are
/// counted in the first or last bin.
std::vector<std::int64_t> histogram(std::span<const float> values, int bins, double low, double high);

/// Groups of values in [0, 1], each a name and the values: a line a bin from high to low, a bar a group,
/// lengths in proportion to the share of the group. Bins that are empty in every group are left out.
std::string histogram_text(const std::vector<std::pair<std::string, std::span<const float>>>& groups,
                           int bins = 20, int width = 30);

}  // namespace tern
