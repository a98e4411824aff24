// How benchmarks sample, on a clock that is made up.
#include "benchmarks/kernels/sampling.h"

#include <doctest/doctest.h>

#include <cmath>
#include <deque>
#include <numeric>

using namespace tern::bench;

namespace {

/// A device whose samples take as long as they say, in milliseconds, and whose clocks are told in order, the last one again.
struct MadeUp final : ClockSource {
  double seconds = 0, rested = 0;
  int taken = 0;
  std::function<double(int number)> milliseconds;
  std::deque<std::optional<ClockState>> states{ClockState{1980, 3201, 0}};

  std::optional<ClockState> read() override {
    const auto state = states.front();
    if (states.size() > 1) states.pop_front();
    return state;
  }
  Time time() {
    return {[this] { return seconds; },
            [this](double waited) {
              seconds += waited;
              rested += waited;
            }};
  }
  std::function<double()> take() {
    return [this] {
      const double sample = milliseconds(taken++);
      seconds += sample / 1e3;
      return sample;
    };
  }
};

std::vector<double> upto(int n) {
  std::vector<double> all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 1.0);
  return all;
}

}  // namespace

TEST_CASE("sampling: the interval of a median is that of the binomial tables") {
  struct Case {
    int n;
    double low, high;
  };
  // From the tables of the sign test, two-sided 5 %: 5 samples are too few to say it at all.
  for (const Case& of : {Case{1, 1, 1}, Case{5, 1, 5}, Case{6, 1, 6}, Case{8, 1, 8}, Case{9, 2, 8},
                         Case{10, 2, 9}, Case{20, 6, 15}, Case{50, 18, 33}, Case{100, 40, 61}}) {
    CAPTURE(of.n);
    const Interval interval = median_interval(upto(of.n));
    CHECK(interval.low == of.low);
    CHECK(interval.high == of.high);
  }
  const Interval of_many = median_interval(upto(1000));  // 500.5 -+ 1.96 sqrt(1000) / 2
  CHECK(of_many.low == 469);
  CHECK(of_many.high == 532);
}

TEST_CASE("sampling: it ends as soon as the interval is narrow") {
  MadeUp device;
  device.milliseconds = [](int number) { return number % 2 == 0 ? 1.0 : 1.001; };
  Sampler sampler(&device, device.time());
  const Timing timing = sampler.sample({.seconds = 1, .precision_percent = 0.5}, device.take());
  CHECK(timing.kept == 10);
  CHECK(timing.precision_percent() <= 0.5);
  CHECK(timing.dropped.empty());
  CHECK_FALSE(timing.is_held_down);
  CHECK(timing.median == doctest::Approx(1.0).epsilon(0.002));
}

TEST_CASE("sampling: wide samples are taken until time is up, or there are the most") {
  MadeUp device;
  device.milliseconds = [](int number) { return 1.0 + number % 5; };  // 3 ms on average
  Sampler sampler(&device, device.time());
  const Timing timing = sampler.sample({.seconds = 0.3, .precision_percent = 0.5}, device.take());
  CHECK(timing.kept == 100);
  CHECK(timing.median == 3);
  CHECK(timing.p20 == 2);
  CHECK(timing.p80 == 4);
  CHECK(timing.precision_percent() > 10);
  const Timing few = sampler.sample({.seconds = 0.3, .precision_percent = 0.5, .most = 40}, device.take());
  CHECK(few.kept == 40);
  const Timing slow = sampler.sample({.seconds = 0.001, .precision_percent = 0.5}, device.take());
  CHECK(slow.kept == 10);  // the least, whatever they take
}

TEST_CASE("sampling: samples under a lowered clock are dropped, counted and made up for") {
  MadeUp device;
  device.milliseconds = [](int number) { return number >= 3 && number < 8 ? 2.0 : 1.0; };
  const ClockState full{1980, 3201, 0}, hot{1410, 3201, kThermal}, low{1500, 3201, 0};
  // After each sample: of five the clock is lowered.
  device.states = {full, full, full, hot, low, hot, low, low, full};
  Sampler sampler(&device, device.time());
  const Timing timing = sampler.sample({.seconds = 1, .rest_seconds = 0.01}, device.take());
  CHECK(timing.kept == 10);
  CHECK(timing.median == 1);
  CHECK(timing.interval.high == 1);
  CHECK(timing.dropped.at("too hot") == 2);
  CHECK(timing.dropped.at("low SM clock") == 3);
  CHECK(timing.dropped_samples() == 5);
  CHECK(device.taken == 15);
  CHECK(device.rested == doctest::Approx(0.05));
  CHECK(sampler.gate().sm_mhz() == 1980);
}

TEST_CASE("sampling: a GPU that is always held down is timed all the same, and told") {
  MadeUp device;
  device.milliseconds = [](int) { return 1.0; };
  device.states = {ClockState{1200, 3201, kPowerCap}};
  Sampler sampler(&device, device.time());
  const Timing timing = sampler.sample({.seconds = 0.04, .patience = 5, .rest_seconds = 0.01}, device.take());
  CHECK(timing.is_held_down);
  CHECK(timing.kept == static_cast<std::size_t>(timing.dropped.at("power cap")));
  CHECK(timing.median == 1);
  CHECK(device.seconds < 0.25);  // 5 times what a timing takes, and the sample that was begun
}

TEST_CASE("sampling: without clocks to read, and with clocks that somebody has locked, every sample counts") {
  MadeUp device;
  device.milliseconds = [](int) { return 1.0; };
  CHECK(Sampler(nullptr, device.time()).sample({}, device.take()).dropped.empty());
  device.states = {std::nullopt};
  CHECK(Sampler(&device, device.time()).sample({}, device.take()).dropped.empty());
  constexpr std::uint64_t kApplicationClocks = 2;
  device.states = {ClockState{1200, 3201, kApplicationClocks}};
  CHECK(Sampler(&device, device.time()).sample({}, device.take()).dropped.empty());
}

TEST_CASE("sampling: a sample that begins under a lowered clock does not count either") {
  MadeUp device;
  device.milliseconds = [](int) { return 1.0; };
  const ClockState full{1980, 3201, 0}, low{1500, 3201, 0};
  ClockGate gate;
  CHECK_FALSE(gate.refuse(full, full));
  CHECK(gate.refuse(low, full) == "low SM clock");
  // What follows a dropped sample and a rest is judged by its own end.
  device.states = {full, low, full};
  Sampler sampler(&device, device.time());
  CHECK(sampler.sample({.seconds = 1}, device.take()).dropped_samples() == 1);
}

TEST_CASE("sampling: a step of the clock is no lowered clock, more is") {
  ClockGate gate;
  const auto state = [](int sm, int memory) { return ClockState{sm, memory, 0}; };
  CHECK_FALSE(gate.refuse(state(1980, 3201), state(1980, 3201)));
  CHECK_FALSE(gate.refuse(state(1965, 3201), state(1935, 3201)));
  CHECK(gate.refuse(state(1980, 3201), state(1800, 3201)) == "low SM clock");
  CHECK(gate.refuse(state(1800, 3201), state(1980, 3201)) == "low SM clock");
  CHECK(gate.refuse(state(1980, 1593), state(1980, 3201)) == "low memory clock");
  CHECK(gate.refuse(std::nullopt, ClockState{1980, 3201, kHardwareSlowdown | kHardwareThermal}) ==
        "too hot (hardware)");
  CHECK_FALSE(gate.refuse(std::nullopt, std::nullopt));
  CHECK_FALSE(gate.refuse(ClockState{345, 3201, kIdle}, ClockState{1980, 3201, 0}));
}
