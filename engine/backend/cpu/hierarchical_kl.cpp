// KL divergence between the superclass head p and the distribution q implied by the subclass head, with its
// gradients. The formulas and their derivation are in engine/ops/hierarchical_kl.cpp. A row is small (4 and
// 88 classes in the study), so it is worked on in double.
#include <Eigen/Core>
#include <cmath>
#include <cstdint>

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

using Direction = HierarchicalKlOptions::Direction;
using ArrayXi = Eigen::Map<const Eigen::Array<std::int32_t, Eigen::Dynamic, 1>>;

// A thread's memory between rows and calls; grows to the largest row seen.
struct Scratch {
  Eigen::ArrayXd used;  // 1 for a superclass that some subclass maps to, else 0
  Eigen::ArrayXd p;     // the head's probabilities, and their logarithms
  Eigen::ArrayXd log_p;
  Eigen::ArrayXd sub;    // softmax over the subclasses that map somewhere
  Eigen::ArrayXd q;      // implied probabilities
  Eigen::ArrayXd log_q;  // log(q + epsilon)
  Eigen::ArrayXd dq;
};

class RowKl {
 public:
  RowKl(const Tensor& sub_to_super, std::int64_t supers, const HierarchicalKlOptions& options, double weight,
        Scratch& scratch)
      : map_(sub_to_super.data<std::int32_t>(), sub_to_super.numel()),
        options_(options),
        weight_(weight),
        s_(scratch) {
    s_.used.setZero(supers);
    for (const std::int32_t k : map_) {
      if (k >= 0) s_.used[k] = 1;
    }
    any_ = s_.used.sum() > 0;
  }

  /// The divergence of one row; `weight` times its gradient goes to dhead and dsub.
  double operator()(const float* head, const float* sub, float* dhead, float* dsub) {
    const Eigen::Index supers = s_.used.size(), subs = map_.size();
    Eigen::Map<Eigen::ArrayXf> dhead_row(dhead, supers), dsub_row(dsub, subs);
    if (!any_) {
      dhead_row.setZero();
      dsub_row.setZero();
      return 0;
    }
    head_distribution(head);
    implied_distribution(sub);
    const bool forward = options_.direction == Direction::head_to_implied;
    const double epsilon = static_cast<double>(options_.epsilon);
    double kl = 0;
    for (Eigen::Index k = 0; k < supers; ++k) {
      if (s_.used[k] == 0) continue;
      const double ratio = s_.log_p[k] - s_.log_q[k];
      if (!forward) {
        kl -= (s_.q[k] + epsilon) * ratio;
      } else if (s_.p[k] != 0) {
        kl += s_.p[k] * ratio;
      }
    }
    write_head_gradient(forward, kl, dhead_row);
    write_sub_gradient(forward, dsub_row);
    return kl;
  }

 private:
  void head_distribution(const float* head) {
    const Eigen::Index supers = s_.used.size();
    const double temperature = static_cast<double>(options_.temperature);
    double most = -INFINITY, sum = 0;
    s_.log_p = Eigen::Map<const Eigen::ArrayXf>(head, supers).cast<double>() / temperature;
    for (Eigen::Index k = 0; k < supers; ++k) {
      if (s_.used[k] != 0) most = std::fmax(most, s_.log_p[k]);
    }
    s_.log_p -= most;
    for (Eigen::Index k = 0; k < supers; ++k) {
      if (s_.used[k] != 0) sum += std::exp(s_.log_p[k]);
    }
    s_.log_p -= std::log(sum);
    s_.p.resize(supers);
    for (Eigen::Index k = 0; k < supers; ++k) s_.p[k] = s_.used[k] != 0 ? std::exp(s_.log_p[k]) : 0;
  }

  void implied_distribution(const float* sub) {
    const double temperature = static_cast<double>(options_.temperature);
    double most = -INFINITY;
    for (Eigen::Index i = 0; i < map_.size(); ++i) {
      if (map_[i] >= 0) most = std::fmax(most, static_cast<double>(sub[i]));
    }
    // A left-out subclass may exceed `most`; its exp, perhaps infinite, is replaced below.
    s_.sub = ((Eigen::Map<const Eigen::ArrayXf>(sub, map_.size()).cast<double>() - most) / temperature).exp();
    s_.q.setZero(s_.used.size());
    double sum = 0;
    for (Eigen::Index i = 0; i < map_.size(); ++i) {
      if (map_[i] < 0) {
        s_.sub[i] = 0;
        continue;
      }
      s_.q[map_[i]] += s_.sub[i];
      sum += s_.sub[i];
    }
    s_.sub /= sum;
    const double epsilon = static_cast<double>(options_.epsilon);
    s_.q /= sum * (1 + epsilon);
    s_.log_q = (s_.q + epsilon).log();
  }

  void write_head_gradient(bool forward, double kl, Eigen::Map<Eigen::ArrayXf>& dhead) const {
    if (options_.detaches_head()) {
      dhead.setZero();
      return;
    }
    const double scale = weight_ / static_cast<double>(options_.temperature);
    const double epsilon = static_cast<double>(options_.epsilon);
    const double q_sum = (s_.used * (s_.q + epsilon)).sum();
    for (Eigen::Index k = 0; k < dhead.size(); ++k) {
      double gradient = 0;
      if (s_.used[k] != 0 && !forward) gradient = s_.p[k] * q_sum - (s_.q[k] + epsilon);
      if (s_.p[k] != 0 && forward) gradient = s_.p[k] * (s_.log_p[k] - s_.log_q[k] - kl);
      dhead[k] = static_cast<float>(gradient * scale);
    }
  }

  void write_sub_gradient(bool forward, Eigen::Map<Eigen::ArrayXf>& dsub) {
    if (options_.detaches_implied()) {
      dsub.setZero();
      return;
    }
    const double epsilon = static_cast<double>(options_.epsilon);
    if (forward) {
      s_.dq = -s_.p / (s_.q + epsilon);
    } else {
      s_.dq = s_.log_q - s_.log_p;
    }
    double mean = 0;  // the expectation of dq under q: what softmax's backward subtracts
    for (Eigen::Index k = 0; k < s_.q.size(); ++k) {
      if (s_.used[k] != 0) mean += s_.q[k] * (1 + epsilon) * s_.dq[k];
    }
    const double scale = weight_ / (static_cast<double>(options_.temperature) * (1 + epsilon));
    for (Eigen::Index i = 0; i < dsub.size(); ++i) {
      dsub[i] = map_[i] < 0 ? 0.0f : static_cast<float>(s_.sub[i] * (s_.dq[map_[i]] - mean) * scale);
    }
  }

  ArrayXi map_;
  const HierarchicalKlOptions& options_;
  double weight_;
  Scratch& s_;
  bool any_ = false;
};

}  // namespace

void CpuBackend::hierarchical_kl(const Tensor& super_logits, const Tensor& sub_logits,
                                 const Tensor& sub_to_super, const HierarchicalKlOptions& options,
                                 Tensor& loss, Tensor& dsuper, Tensor& dsub) {
  const std::int64_t rows = super_logits.size(0), supers = super_logits.size(1), subs = sub_logits.size(1);
  const double temperature = static_cast<double>(options.temperature);
  const double factor = options.scale_by_temperature_squared ? temperature * temperature : 1.0;
  const double weight = rows > 0 ? factor / static_cast<double>(rows) : 0.0;
  const float *head = super_logits.data<float>(), *sub = sub_logits.data<float>();
  float *head_gradient = dsuper.data<float>(), *sub_gradient = dsub.data<float>();
  Tensor row_losses = Tensor::empty({rows}, DType::f64);
  double* row_loss = row_losses.data<double>();
  parallel_for(rows, 16, [&](std::int64_t begin, std::int64_t end) {
    static thread_local Scratch scratch;
    RowKl row_kl(sub_to_super, supers, options, weight, scratch);
    for (std::int64_t r = begin; r < end; ++r) {
      row_loss[r] =
          row_kl(head + r * supers, sub + r * subs, head_gradient + r * supers, sub_gradient + r * subs);
    }
  });
  double total = 0;
  for (std::int64_t r = 0; r < rows; ++r) total += row_loss[r];
  *loss.data<float>() = static_cast<float>(total * weight);
}

}  // namespace tern
