// How far a number computed from a sample can be trusted: the percentile bootstrap (Efron, "Bootstrap
// Methods: Another Look at the Jackknife", 1979). Each group of rows is drawn again, with replacement and to
// its own size, apart from the others; the interval lies between the percentiles 50 (1 - confidence) and
// 50 (1 + confidence) of what the statistic says of the resamples, interpolated as NumPy does. This is
// scipy.stats.bootstrap with method="percentile".
//
// The draws of a resample depend on the seed, its number and the group alone, so that the interval is the
// same for any number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace tern {

struct BootstrapOptions {
  double confidence = 0.95;       ///< over 0, under 1
  std::int64_t resamples = 1000;  ///< 1 .. 1,000,000
  std::uint64_t seed = 42;
};

struct Interval {
  double estimate = 0;  ///< of the rows as they are
  double low = 0, high = 0;
};

/// By group, the indices of rows, in 0 .. size - 1 of that group, as many as it has rows.
using ResampledRows = std::span<const std::vector<std::int64_t>>;
/// Called from several threads at once.
using ResampledStatistic = std::function<double(ResampledRows)>;

/// `sizes`: rows by group, for example {seen, novel}; a group of none stays one of none. Throws
/// Error{"bootstrap", ...} if there is no row at all, an option is out of range, or the statistic is NaN for
/// the rows as they are or for a resample; what the statistic throws comes through, that of the first such
/// resample.
Interval bootstrap_interval(std::span<const std::int64_t> sizes, const ResampledStatistic& statistic,
                            const BootstrapOptions& options = {});

/// The same interval as bootstrap_interval gives with auroc() of engine/metrics/roc.h, groups {positive,
/// negative}; here scores are ranked once and resamples counted by rank: O(n) each. Throws as auroc() and
/// bootstrap_interval().
Interval bootstrap_auroc(std::span<const double> positive, std::span<const double> negative,
                         const BootstrapOptions& options = {});

}  // namespace tern
