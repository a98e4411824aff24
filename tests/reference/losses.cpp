// References of losses.
#include <cmath>

#include "tests/reference/reference.h"

namespace tern::reference {

namespace {

double counted(const std::vector<std::int32_t>& targets, std::int32_t ignore_index) {
  double count = 0;
  for (const std::int32_t target : targets) count += target == ignore_index ? 0 : 1;
  return count;
}

/// The probability wanted of a class, NaN everywhere if there is no such target.
double wanted_probability(std::int64_t c, std::int32_t target, std::int64_t classes, double smoothing) {
  if (target < 0 || target >= classes) return NAN;
  return (c == target ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
}

}  // namespace

Array cross_entropy(const Array& logits, const std::vector<std::int32_t>& targets, double smoothing,
                    std::int32_t ignore_index) {
  const Array log_p = log_softmax(logits);
  const double count = counted(targets, ignore_index);
  Array loss({1});
  for (std::int64_t i = 0; i < logits.size(); ++i) {
    const std::int32_t target = targets[static_cast<std::size_t>(i / logits.last())];
    if (target == ignore_index) continue;
    const double wanted = wanted_probability(i % logits.last(), target, logits.last(), smoothing);
    if (wanted != 0) loss[0] -= wanted * log_p[i] / count;
  }
  return loss;
}

Array cross_entropy_gradient(const Array& logits, const std::vector<std::int32_t>& targets, double smoothing,
                             std::int32_t ignore_index) {
  const Array p = softmax(logits);
  const double count = counted(targets, ignore_index);
  Array dlogits(logits.shape);
  for (std::int64_t i = 0; i < logits.size(); ++i) {
    const std::int32_t target = targets[static_cast<std::size_t>(i / logits.last())];
    if (target == ignore_index) continue;
    dlogits[i] = (p[i] - wanted_probability(i % logits.last(), target, logits.last(), smoothing)) / count;
  }
  return dlogits;
}

Array hierarchical_kl(const Array& super, const Array& sub, const std::vector<std::int32_t>& sub_to_super,
                      bool forward, double temperature, bool scale_by_temperature_squared, double epsilon) {
  const std::int64_t supers = super.last(), subs = sub.last(), rows = super.shape[0];
  std::vector<bool> used(static_cast<std::size_t>(supers), false);
  for (const std::int32_t k : sub_to_super) {
    if (k >= 0) used[static_cast<std::size_t>(k)] = true;
  }
  Array loss({1});
  for (std::int64_t r = 0; r < rows; ++r) {
    std::vector<double> p(static_cast<std::size_t>(supers)), q(p.size());
    double p_sum = 0, s_sum = 0, q_sum = 0;
    for (std::int64_t k = 0; k < supers; ++k) {
      const auto at = static_cast<std::size_t>(k);
      p_sum += p[at] = used[at] ? std::exp(super[r * supers + k] / temperature) : 0;
    }
    for (std::int64_t i = 0; i < subs; ++i) {
      if (sub_to_super[static_cast<std::size_t>(i)] >= 0) s_sum += std::exp(sub[r * subs + i] / temperature);
    }
    for (std::int64_t i = 0; i < subs; ++i) {
      const std::int32_t k = sub_to_super[static_cast<std::size_t>(i)];
      if (k >= 0) q[static_cast<std::size_t>(k)] += std::exp(sub[r * subs + i] / temperature) / s_sum;
    }
    for (const double value : q) q_sum += value;
    for (std::size_t k = 0; k < p.size(); ++k) {
      if (!used[k]) continue;
      const double log_p = std::log(p[k] / p_sum), log_q = std::log(q[k] / (q_sum + epsilon) + epsilon);
      loss[0] += forward ? p[k] / p_sum * (log_p - log_q) : std::exp(log_q) * (log_q - log_p);
    }
  }
  const double factor = scale_by_temperature_squared ? temperature * temperature : 1;
  if (rows > 0) loss[0] *= factor / static_cast<double>(rows);
  return loss;
}

}  // namespace tern::reference
