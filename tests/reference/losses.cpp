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

namespace {

/// Softmax of x / temperature over the classes that are used; 0 for the others.
std::vector<double> used_softmax(const double* x, const std::vector<bool>& used, double temperature) {
  std::vector<double> p(used.size());
  double max = -INFINITY, sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (used[i]) max = std::fmax(max, x[i]);
  }
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (used[i]) sum += p[i] = std::exp((x[i] - max) / temperature);
  }
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = used[i] ? p[i] / sum : 0;
  return p;
}

/// dx of p = softmax(x) from dp, times `scale`.
void used_softmax_backward(const std::vector<double>& p, const std::vector<double>& dp, double scale,
                           double* dx) {
  double dot = 0;
  for (std::size_t i = 0; i < p.size(); ++i) dot += p[i] != 0 ? p[i] * dp[i] : 0;
  for (std::size_t i = 0; i < p.size(); ++i) dx[i] = p[i] != 0 ? scale * p[i] * (dp[i] - dot) : 0;
}

/// What hierarchical_kl works on in one row.
class HierarchicalKlRow {
 public:
  HierarchicalKlRow(const Array& parent_logits, const Array& child_logits,
                    const std::vector<std::int32_t>& parent_of, const HierarchicalKlSettings& settings,
                    std::int64_t row)
      : settings_(settings), parent_of_(parent_of) {
    const std::int64_t parents = parent_logits.last(), children = child_logits.last();
    std::vector<bool> child_used;
    parent_used_.resize(static_cast<std::size_t>(parents));
    for (const std::int32_t parent : parent_of) {
      child_used.push_back(parent >= 0 && parent < parents);
      if (child_used.back()) parent_used_[static_cast<std::size_t>(parent)] = true;
    }
    p_ = used_softmax(parent_logits.values.data() + row * parents, parent_used_, settings.temperature);
    s_ = used_softmax(child_logits.values.data() + row * children, child_used, settings.temperature);
    q_.resize(p_.size());
    for (std::size_t i = 0; i < s_.size(); ++i) {
      if (child_used[i]) q_[static_cast<std::size_t>(parent_of[i])] += s_[i], total_ += s_[i];
    }
    total_ += settings.epsilon;
    for (double& value : q_) value /= total_;
  }

  double kl() const {
    double kl = 0;
    for (std::size_t k = 0; k < p_.size(); ++k) {
      const double q = q_[k] + settings_.epsilon, weight = settings_.head_to_implied ? p_[k] : q;
      const double logarithm = std::log(p_[k]) - std::log(q);
      if (parent_used_[k] && weight != 0) kl += weight * (settings_.head_to_implied ? logarithm : -logarithm);
    }
    return kl;
  }

  /// The chain rule step by step, from kl() to p and q and on to the logits. Gradients are times `scale`.
  void backward(double scale, double* dparent, double* dchild) const {
    std::vector<double> dp(p_.size()), dq(p_.size()), ds(s_.size());
    double dot = 0;
    for (std::size_t k = 0; k < p_.size(); ++k) {
      if (!parent_used_[k]) continue;
      const double q = q_[k] + settings_.epsilon, logarithm = std::log(p_[k]) - std::log(q);
      dp[k] = settings_.head_to_implied ? logarithm + 1 : -q / p_[k];
      dq[k] = settings_.head_to_implied ? -p_[k] / q : 1 - logarithm;
      if (q_[k] != 0) dot += dq[k] * q_[k];
    }
    for (std::size_t i = 0; i < s_.size(); ++i) {
      if (s_[i] != 0) ds[i] = (dq[static_cast<std::size_t>(parent_of_[i])] - dot) / total_;
    }
    used_softmax_backward(p_, dp, scale / settings_.temperature, dparent);
    used_softmax_backward(s_, ds, scale / settings_.temperature, dchild);
  }

 private:
  const HierarchicalKlSettings& settings_;
  const std::vector<std::int32_t>& parent_of_;
  std::vector<bool> parent_used_;
  std::vector<double> p_, s_, q_;  // of the parents by their head, of the children, of the parents by these
  double total_ = 0;               // what q was divided by: epsilon and the sum
};

}  // namespace

Array hierarchical_kl(const Array& parent_logits, const Array& child_logits,
                      const std::vector<std::int32_t>& parent_of, const HierarchicalKlSettings& settings) {
  Array loss({1});
  const std::int64_t rows = parent_logits.shape[0];
  const double scale = settings.factor / static_cast<double>(rows);
  for (std::int64_t r = 0; r < rows; ++r)
    loss[0] += scale * HierarchicalKlRow(parent_logits, child_logits, parent_of, settings, r).kl();
  return loss;
}

HierarchicalKlGradients hierarchical_kl_gradients(const Array& parent_logits, const Array& child_logits,
                                                  const std::vector<std::int32_t>& parent_of,
                                                  const HierarchicalKlSettings& settings) {
  HierarchicalKlGradients result{Array(parent_logits.shape), Array(child_logits.shape)};
  const std::int64_t rows = parent_logits.shape[0];
  for (std::int64_t r = 0; r < rows; ++r) {
    HierarchicalKlRow(parent_logits, child_logits, parent_of, settings, r)
        .backward(settings.factor / static_cast<double>(rows),
                  result.dparent.values.data() + r * parent_logits.last(),
                  result.dchild.values.data() + r * child_logits.last());
  }
  return result;
}

}  // namespace tern::reference
