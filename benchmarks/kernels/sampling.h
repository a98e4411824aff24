// How often a run is timed, and what is said of its times.
//
// Samples are taken until the interval in which their median lies with 95 % is narrow, or time is up. The interval is that of
// order statistics, which asks of the samples' distribution only that they are independent of one another. Samples that were
// taken while something held the GPU's clocks down (clocks.h) are dropped and counted.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/kernels/clocks.h"

namespace tern::bench {

struct SamplingOptions {
  double seconds = 0.04;  ///< after which none is taken any more, once there are `least` that count
  double precision_percent =
      0.5;  ///< of the median: half of its interval's width at which no more are needed
  std::size_t least = 10, most = 1000;
  /// Times `seconds` for a timing that has had samples dropped and has less than `least` left.
  double patience = 5;
  double rest_seconds = 0.01;  ///< after a dropped sample, for the GPU to recover
};

/// The values between which the median of what `sorted` is a sample of lies with 95 %: its smallest and largest where there are
/// less than 6, of which no two say that. Wants at least one.
struct Interval {
  double low, high;
};
Interval median_interval(const std::vector<double>& sorted);

/// The same units as the samples.
struct Timing {
  double median = 0, p20 = 0, p80 = 0;
  Interval interval{0, 0};             ///< of the median
  std::size_t kept = 0;                ///< samples that these are of
  std::map<std::string, int> dropped;  ///< why, and how many
  bool is_held_down = false;           ///< too few counted, so these are of all, the dropped ones included

  /// Half of the interval's width, of the median.
  double precision_percent() const;
  int dropped_samples() const;
};

/// A clock to read, and a way to wait; seconds.
struct Time {
  std::function<double()> now;
  std::function<void(double seconds)> rest;
};
Time system_time();

/// Of one timing after another.
class Sampler {
 public:
  /// `clocks`: null if there are none to be read. It must outlive this.
  Sampler(ClockSource* clocks, Time time) : clocks_(clocks), time_(std::move(time)) {}

  /// take(): one sample, which is above 0.
  Timing sample(const SamplingOptions& options, const std::function<double()>& take);
  const ClockGate& gate() const { return gate_; }

 private:
  std::optional<ClockState> read() { return clocks_ == nullptr ? std::nullopt : clocks_->read(); }

  ClockSource* clocks_;
  Time time_;
  ClockGate gate_;
};

}  // namespace tern::bench
