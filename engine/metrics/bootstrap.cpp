#include "engine/metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <string>

#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/metrics/distribution.h"
#include "engine/metrics/ranking.h"

namespace tern {
namespace {

constexpr std::uint32_t kBootstrapPurpose = 16;  // beside the numbers of data/random_purpose.h

void check_bootstrap(std::span<const std::int64_t> sizes, const BootstrapOptions& options) {
  std::int64_t rows = 0;
  for (const std::int64_t size : sizes) {
    if (size < 0 || size > std::numeric_limits<std::uint32_t>::max()) {
      throw Error("bootstrap", "groups of 0 .. 4294967295 rows", std::to_string(size));
    }
    rows += size;
  }
  check(rows > 0, "bootstrap", "at least one row", "none");
  if (!(options.confidence > 0 && options.confidence < 1)) {
    throw Error("bootstrap", "a confidence over 0 and under 1", std::to_string(options.confidence));
  }
  if (options.resamples < 1 || options.resamples > 1'000'000) {
    throw Error("bootstrap", "1 .. 1000000 resamples", std::to_string(options.resamples));
  }
}

RandomStream stream_of(const BootstrapOptions& options, std::int64_t resample, std::size_t group) {
  return {options.seed, kBootstrapPurpose, static_cast<std::uint32_t>(resample),
          static_cast<std::uint32_t>(group)};
}

/// value(resample, scratch) for every resample, on all cores; `scratch` is the thread's own.
template <typename Scratch, typename Value>
std::vector<double> resampled_values(std::int64_t resamples, const Scratch& fresh, const Value& value) {
  constexpr std::int64_t kGrain = 16;
  std::vector<double> values(static_cast<std::size_t>(resamples));
  std::vector<std::exception_ptr> failures(values.size());  // a loop's body must not throw
  parallel_for(resamples, kGrain, [&](std::int64_t begin, std::int64_t end) {
    Scratch scratch = fresh;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<std::size_t>(i);
      try {
        values[at] = value(i, scratch);
        if (std::isnan(values[at])) {
          throw Error("bootstrap", "a number of every resample", "NaN of resample " + std::to_string(i));
        }
      } catch (...) {
        failures[at] = std::current_exception();
        return;
      }
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
  return values;
}

Interval interval_of(double estimate, const std::vector<double>& values, double confidence) {
  return {estimate, percentile(values, 50 * (1 - confidence)), percentile(values, 50 * (1 + confidence))};
}

/// Which of the distinct scores each row has, falling.
std::vector<std::uint32_t> ranks_of(std::span<const double> scores, const std::vector<ScoreGroup>& groups) {
  std::vector<std::uint32_t> ranks;
  ranks.reserve(scores.size());
  for (const double score : scores) {
    const auto place = std::lower_bound(groups.begin(), groups.end(), score,
                                        [](const ScoreGroup& group, double s) { return group.score > s; });
    ranks.push_back(static_cast<std::uint32_t>(place - groups.begin()));
  }
  return ranks;
}

}  // namespace

Interval bootstrap_interval(std::span<const std::int64_t> sizes, const ResampledStatistic& statistic,
                            const BootstrapOptions& options) {
  check_bootstrap(sizes, options);
  std::vector<std::vector<std::int64_t>> rows;
  for (const std::int64_t size : sizes) {
    rows.emplace_back(static_cast<std::size_t>(size));
    std::iota(rows.back().begin(), rows.back().end(), std::int64_t{0});
  }
  const double estimate = statistic(rows);
  if (std::isnan(estimate)) throw Error("bootstrap", "a number of the rows as they are", "NaN");
  const auto resampled = [&](std::int64_t resample, std::vector<std::vector<std::int64_t>>& drawn) {
    for (std::size_t g = 0; g < drawn.size(); ++g) {
      RandomStream random = stream_of(options, resample, g);
      const auto size = static_cast<std::uint32_t>(drawn[g].size());
      for (std::int64_t& row : drawn[g]) row = random.below(size);
    }
    return statistic(drawn);
  };
  return interval_of(estimate, resampled_values(options.resamples, rows, resampled), options.confidence);
}

Interval bootstrap_auroc(std::span<const double> positive, std::span<const double> negative,
                         const BootstrapOptions& options) {
  check_scores("roc", "positive", positive);
  check_scores("roc", "negative", negative);
  const std::vector<std::int64_t> sizes{static_cast<std::int64_t>(positive.size()),
                                        static_cast<std::int64_t>(negative.size())};
  check_bootstrap(sizes, options);
  const std::vector<ScoreGroup> groups = rank_scores(positive, negative);
  const std::vector<std::uint32_t> positive_ranks = ranks_of(positive, groups),
                                   negative_ranks = ranks_of(negative, groups);
  const auto resampled = [&](std::int64_t resample, std::vector<ScoreGroup>& counts) {
    for (ScoreGroup& group : counts) group.positive = group.negative = 0;
    RandomStream random = stream_of(options, resample, 0);
    for (std::size_t i = 0; i < positive_ranks.size(); ++i) {
      ++counts[positive_ranks[random.below(static_cast<std::uint32_t>(sizes[0]))]].positive;
    }
    random = stream_of(options, resample, 1);
    for (std::size_t i = 0; i < negative_ranks.size(); ++i) {
      ++counts[negative_ranks[random.below(static_cast<std::uint32_t>(sizes[1]))]].negative;
    }
    return auroc_of_ranked(counts);
  };
  return interval_of(auroc_of_ranked(groups), resampled_values(options.resamples, groups, resampled),
                     options.confidence);
}

}  // namespace tern
