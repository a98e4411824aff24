#include "benchmarks/kernels/sampling.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

namespace tern::bench {
namespace {

constexpr std::size_t kBetweenLooks = 5;  ///< samples: to look for the interval takes a sort

double quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1) + 0.5)];
}

/// Of `samples`, which need not be sorted.
Timing timing_of(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  Timing timing;
  timing.median = quantile(samples, 0.5);
  timing.p20 = quantile(samples, 0.2);
  timing.p80 = quantile(samples, 0.8);
  timing.interval = median_interval(samples);
  timing.kept = samples.size();
  return timing;
}

}  // namespace

Interval median_interval(const std::vector<double>& sorted) {
  // The number of samples below the median has the binomial distribution of n tosses of a coin. So the k-th smallest and the
  // k-th largest hold the median between them unless less than k fell on one side.
  constexpr double kOneSide = 0.025;
  const std::size_t n = sorted.size();
  double exactly = std::pow(0.5, static_cast<double>(n)),
         less = exactly;  // tosses that show k heads, and at most k
  std::size_t k = 0;
  while (k < n / 2) {
    exactly *= static_cast<double>(n - k) / static_cast<double>(k + 1);
    if (less + exactly > kOneSide) break;
    less += exactly;
    ++k;
  }
  return {sorted[k], sorted[n - 1 - k]};
}

double Timing::precision_percent() const {
  return 50 * (interval.high - interval.low) / median;
}

int Timing::dropped_samples() const {
  int sum = 0;
  for (const auto& [why, count] : dropped) sum += count;
  return sum;
}

Time system_time() {
  const auto now = [] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  };
  const auto rest = [](double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  };
  return {now, rest};
}

Timing Sampler::sample(const SamplingOptions& options, const std::function<double()>& take) {
  std::vector<double> kept, all;
  std::map<std::string, int> dropped;
  const double begin = time_.now();
  std::optional<ClockState> before;  // the sample; none where the GPU has rested
  const auto wants_more = [&] {
    if (kept.size() >= options.most) return false;
    const double passed = time_.now() - begin;
    if (kept.size() < options.least)
      return dropped.empty() || passed < options.patience * options.seconds || all.empty();
    if (passed >= options.seconds) return false;
    const bool looks = (kept.size() - options.least) % kBetweenLooks == 0;
    return !looks || timing_of(kept).precision_percent() > options.precision_percent;
  };
  while (wants_more()) {
    const double sample = take();
    const std::optional<ClockState> after = read();
    all.push_back(sample);
    if (const auto why = gate_.refuse(before, after)) {
      ++dropped[*why];
      time_.rest(options.rest_seconds);
      before.reset();
    } else {
      kept.push_back(sample);
      before = after;
    }
  }
  const bool is_held_down = kept.size() < options.least;
  Timing timing = timing_of(is_held_down ? all : kept);
  timing.dropped = dropped;
  timing.is_held_down = is_held_down;
  return timing;
}

}  // namespace tern::bench
