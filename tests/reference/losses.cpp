// References of losses.
#include <cmath>

#include "tests/reference/reference.h"

namespace tern::reference {

Array cross_entropy(const Array& logits, const std::vector<std::int32_t>& targets, double smoothing,
                    std::int32_t ignore_index) {
  const Array log_p = log_softmax(logits);
  const std::int64_t classes = logits.last();
  Array loss({1});
  double count = 0;
  for (std::int64_t r = 0; r < static_cast<std::int64_t>(targets.size()); ++r) {
    const std::int32_t target = targets[static_cast<std::size_t>(r)];
    if (target == ignore_index) continue;
    count += 1;
    for (std::int64_t c = 0; c < classes; ++c) {
      const double wanted = (c == target ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
      loss[0] -= wanted * log_p[r * classes + c];
    }
  }
  if (count > 0) loss[0] /= count;
  return loss;
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
