#include "kernels/hierarchical_kl.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "engine/core/check.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

using Settings = kernels::HierarchicalKlSettings;
using Map = std::vector<std::int32_t>;

struct Shape {
  std::int64_t rows, supers, subs;
};

// The study's; around a warp's batch of 128 subclasses, its most superclasses (64) and subclasses (256); a
// block.
constexpr Shape kShapes[] = {{0, 4, 88},   {1, 1, 1},      {9, 4, 88},   {5, 3, 10},      {4, 4, 127},
                             {5, 31, 129}, {3, 33, 40},    {3, 64, 256}, {3, 65, 100},    {2, 4, 257},
                             {2, 20, 100}, {3, 200, 1000}, {2, 7, 2049}, {1, 1024, 1500}, {1, 300, 20}};

struct Result {
  double loss = 0;
  std::vector<double> dsuper, dsub;
};

/// Softmax of values / temperature over those that count; the others are 0.
std::vector<double> softmax(const double* values, const std::vector<bool>& counts, double temperature) {
  std::vector<double> result(counts.size());
  double most = -INFINITY, sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i]) most = std::fmax(most, values[i]);
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i]) sum += result[i] = std::exp((values[i] - most) / temperature);
  }
  for (double& value : result) value /= sum;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!counts[i]) result[i] = 0;
  }
  return result;
}

/// d logits from d probabilities, by the softmax's Jacobian.
void softmax_backward(const std::vector<double>& p, const std::vector<double>& dp,
                      const std::vector<bool>& counts, double scale, double* dlogits) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += counts[i] && p[i] != 0 ? p[i] * dp[i] : 0;
  for (std::size_t i = 0; i < p.size(); ++i)
    dlogits[i] = counts[i] && p[i] != 0 ? scale * p[i] * (dp[i] - sum) : 0;
}

/// The definition, q = Q / (sum Q + epsilon), and the chain rule through it step by step.
double row_reference(const double* head, const double* sub, const Map& map, std::size_t supers,
                     const Settings& settings, double weight, double* dhead, double* dsub) {
  std::vector<bool> used(supers), counts(map.size());
  for (std::size_t i = 0; i < map.size(); ++i) {
    counts[i] = map[i] >= 0 && map[i] < static_cast<std::int32_t>(supers);
    if (counts[i]) used[static_cast<std::size_t>(map[i])] = true;
  }
  const double temperature = static_cast<double>(settings.temperature);
  const double epsilon = static_cast<double>(settings.epsilon);
  const std::vector<double> p = softmax(head, used, temperature), s = softmax(sub, counts, temperature);
  std::vector<double> implied(supers), q(supers), dp(supers), dq(supers), dimplied(supers), ds(map.size());
  double total = epsilon, kl = 0, drift = 0;
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (counts[i]) implied[static_cast<std::size_t>(map[i])] += s[i], total += s[i];
  }
  for (std::size_t k = 0; k < supers; ++k) {
    if (!used[k]) continue;
    q[k] = implied[k] / total;
    const double log_p = std::log(p[k]), log_q = std::log(q[k] + epsilon);
    if (settings.head_to_implied) {
      if (p[k] != 0) kl += p[k] * (log_p - log_q);
      dp[k] = log_p + 1 - log_q;
      dq[k] = -p[k] / (q[k] + epsilon);
    } else {
      if (q[k] + epsilon != 0) kl += (q[k] + epsilon) * (log_q - log_p);
      dp[k] = -(q[k] + epsilon) / p[k];
      dq[k] = log_q + 1 - log_p;
    }
    if (q[k] != 0) drift += dq[k] * q[k] / total;
  }
  for (std::size_t i = 0; i < map.size(); ++i) {
    if (counts[i]) ds[i] = dq[static_cast<std::size_t>(map[i])] / total - drift;
  }
  softmax_backward(p, dp, used, settings.detach_head ? 0 : weight / temperature, dhead);
  softmax_backward(s, ds, counts, settings.detach_implied ? 0 : weight / temperature, dsub);
  return kl;
}

Result reference(const std::vector<double>& head, const std::vector<double>& sub, const Map& map,
                 const Shape& shape, const Settings& settings) {
  Result result{0, std::vector<double>(head.size()), std::vector<double>(sub.size())};
  const auto supers = static_cast<std::size_t>(shape.supers);
  const double weight = static_cast<double>(settings.factor) / static_cast<double>(shape.rows);
  for (std::size_t r = 0; r < static_cast<std::size_t>(shape.rows); ++r) {
    result.loss += weight * row_reference(&head[r * supers], &sub[r * map.size()], map, supers, settings,
                                          weight, &result.dsuper[r * supers], &result.dsub[r * map.size()]);
  }
  return result;
}

template <typename T>
struct Outputs {
  std::vector<float> loss;
  std::vector<T> dsuper, dsub;
};

/// Runs the kernel, checks that it is one launch and that the workspace is ready for another.
template <typename T>
Outputs<T> run(const std::vector<T>& head, const std::vector<T>& sub, const Map& map, const Shape& shape,
               const Settings& settings, std::size_t shift = 0) {
  const DeviceArray<T> super_logits(head, shift), sub_logits(sub, shift);
  const DeviceArray<std::int32_t> sub_to_super(map, shift);
  DeviceArray<unsigned char> workspace(
      std::vector<unsigned char>(kernels::hierarchical_kl_workspace_bytes(shape.rows), 0));
  DeviceArray<float> loss(1);
  DeviceArray<T> dsuper(head.size(), shift), dsub(sub.size(), shift);
  const std::int64_t before = launch_count();
  for (int call = 0; call < 2; ++call) {
    kernels::hierarchical_kl(super_logits.data(), sub_logits.data(), sub_to_super.data(), settings,
                             loss.data(), dsuper.data(), dsub.data(), workspace.data(), shape.rows,
                             shape.supers, shape.subs, nullptr);
  }
  if (is_emulated()) CHECK(launch_count() == before + 2);
  return {loss.values(), dsuper.values(), dsub.values()};
}

template <typename T>
void check(const std::vector<T>& head, const std::vector<T>& sub, const Map& map, const Shape& shape,
           const Settings& settings, std::size_t shift = 0) {
  CAPTURE(shape.rows);
  CAPTURE(shape.supers);
  CAPTURE(shape.subs);
  CAPTURE(shift);
  CAPTURE(settings.head_to_implied);
  CAPTURE(settings.temperature);
  CAPTURE(settings.epsilon);
  const Result wanted = reference(widened(head), widened(sub), map, shape, settings);
  const Outputs<T> got = run(head, sub, map, shape, settings, shift);
  // The divergence is a small difference of sums near 1.
  CHECK(relative_error(got.loss, std::vector<double>{wanted.loss}) <= 2e-5);
  CHECK(relative_error(got.dsuper, wanted.dsuper) <= unit<T>() + 5e-6);
  CHECK(relative_error(got.dsub, wanted.dsub) <= unit<T>() + 5e-6);
}

template <typename T>
std::vector<T> logits(std::int64_t rows, std::int64_t cols, float bound, std::uint64_t seed) {
  return uniform<T>(static_cast<std::size_t>(rows * cols), -bound, bound, seed);
}

/// Every superclass may be met, one subclass in `left_out` is not mapped.
Map random_map(const Shape& shape, int left_out) {
  Map map = classes(static_cast<std::size_t>(shape.subs), static_cast<std::int32_t>(shape.supers), 7);
  for (std::size_t i = 0; left_out > 0 && i < map.size(); ++i) {
    if (static_cast<int>(i) % left_out == left_out - 1) map[i] = -1;
  }
  return map;
}

std::vector<Settings> all_settings() {
  std::vector<Settings> result;
  for (const bool head_to_implied : {false, true}) {
    for (const float temperature : {1.0f, 2.5f}) {
      for (const float epsilon : {1e-8f, 0.0f, 1e-2f}) {
        result.push_back({head_to_implied, false, false, temperature, 1, epsilon});
        result.push_back({head_to_implied, true, false, temperature, temperature * temperature, epsilon});
        result.push_back({head_to_implied, false, true, temperature, temperature * temperature, epsilon});
        result.push_back({head_to_implied, true, true, temperature, 1, epsilon});
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("hierarchical_kl: every shape, both directions", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Shape& shape : kShapes) {
    const auto head = logits<T>(shape.rows, shape.supers, 4, 1),
               sub = logits<T>(shape.rows, shape.subs, 4, 2);
    for (const std::size_t shift : {0, 1}) {
      check(head, sub, random_map(shape, 0), shape, {.temperature = 2, .factor = 4}, shift);
      check(head, sub, random_map(shape, 3), shape, {.head_to_implied = true}, shift);
    }
  }
}

TEST_CASE_TEMPLATE("hierarchical_kl: every setting, for a warp and for a block", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Shape& shape : {Shape{6, 4, 88}, Shape{2, 70, 300}}) {
    const auto head = logits<T>(shape.rows, shape.supers, 4, 1),
               sub = logits<T>(shape.rows, shape.subs, 4, 2);
    for (const Settings& settings : all_settings()) {
      check(head, sub, random_map(shape, 0), shape, settings);
      check(head, sub, random_map(shape, 2), shape, settings);
    }
  }
}

TEST_CASE("hierarchical_kl: probabilities beyond f32") {
  if (!device_is_there()) return;
  for (const std::int64_t supers : {4, 70}) {
    const Shape shape{3, supers, 4 * supers};
    for (const float bound : {30.0f, 100.0f, 300.0f}) {
      CAPTURE(bound);
      const auto head = logits<float>(shape.rows, shape.supers, bound, 1);
      const auto sub = logits<float>(shape.rows, shape.subs, bound, 2);
      Map map(static_cast<std::size_t>(shape.subs));
      for (std::size_t i = 0; i < map.size(); ++i) map[i] = static_cast<std::int32_t>(i) / 4;
      check(head, sub, map, shape, {});
      check(head, sub, map, shape, {.head_to_implied = true});
      if (bound < 300) check(head, sub, map, shape, {.head_to_implied = true, .epsilon = 0});
    }
  }
}

TEST_CASE("hierarchical_kl: infinite and NaN logits stay in their row, and out of it where left out") {
  if (!device_is_there()) return;
  for (const std::int64_t supers : {4, 70}) {
    const Shape shape{3, supers, 3 * supers};
    Map map(static_cast<std::size_t>(shape.subs));
    for (std::size_t i = 0; i < map.size(); ++i) map[i] = static_cast<std::int32_t>(i) / 3;
    map[6] = map[7] = map[8] = -1;  // superclass 2 is met by none
    const auto head = logits<float>(shape.rows, supers, 3, 1),
               sub = logits<float>(shape.rows, shape.subs, 3, 2);
    const auto super_count = static_cast<std::size_t>(supers), sub_count = map.size();

    auto special_head = head, special_sub = sub;
    special_head[2] = NAN;
    special_sub[6] = NAN;
    special_sub[7] = INFINITY;
    special_sub[9] = -INFINITY;                                              // one of superclass 3's
    for (std::size_t i : {3, 4, 5}) special_sub[sub_count + i] = -INFINITY;  // all of superclass 1's
    check(special_head, special_sub, map, shape, {});
    check(special_head, special_sub, map, shape, {.head_to_implied = true});

    for (const float special : {NAN, INFINITY}) {
      for (const bool in_head : {false, true}) {
        CAPTURE(special);
        CAPTURE(in_head);
        special_head = head, special_sub = sub;
        if (in_head) special_head[super_count + 1] = special;
        if (!in_head) special_sub[sub_count + 4] = special;
        const Outputs<float> got = run(special_head, special_sub, map, shape, {});
        const Outputs<float> clean = run(head, sub, map, shape, {});
        CHECK(std::isnan(got.loss[0]));
        const std::vector<float> values = got.dsub, expected = clean.dsub;
        for (std::size_t i = 0; i < values.size(); ++i) {
          const bool spoilt = i / sub_count == 1 && map[i % sub_count] >= 0;
          if (spoilt != std::isnan(values[i]) || (!spoilt && values[i] != expected[i])) FAIL_CHECK(i);
        }
      }
    }
  }
}

TEST_CASE("hierarchical_kl: no subclass maps anywhere, or outside") {
  if (!device_is_there()) return;
  for (const Shape& shape : {Shape{5, 4, 20}, Shape{2, 70, 300}}) {
    const auto head = logits<float>(shape.rows, shape.supers, 3, 1),
               sub = logits<float>(shape.rows, shape.subs, 3, 2);
    Map map(static_cast<std::size_t>(shape.subs), -1);
    map[0] = -7;
    map[1] = static_cast<std::int32_t>(shape.supers);
    for (const bool head_to_implied : {false, true}) {
      const Outputs<float> got = run(head, sub, map, shape, {.head_to_implied = head_to_implied});
      CHECK(relative_error(got.loss, std::vector<double>{0}) <= 0);
      CHECK(relative_error(got.dsuper, std::vector<double>(head.size(), 0)) <= 0);
      CHECK(relative_error(got.dsub, std::vector<double>(sub.size(), 0)) <= 0);
    }
  }
}

TEST_CASE("hierarchical_kl: too many classes are an error") {
  const auto call = [](std::int64_t supers, std::int64_t subs) {
    kernels::hierarchical_kl<float>(nullptr, nullptr, nullptr, {}, nullptr, nullptr, nullptr, nullptr, 1,
                                    supers, subs, nullptr);
  };
  CHECK_THROWS_WITH_AS(call(1025, 5),
                       "hierarchical_kl: wanted at most 1024 parents and 65535 children, got 1025 and 5",
                       Error);
  CHECK_THROWS_AS(call(5, 65536), Error);
}
