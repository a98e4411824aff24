// The formulas and their derivation are in engine/ops/hierarchical_kl.cpp. A row is short, so it is worked on
// in double.
#include "engine/ops/cpu/hierarchical_kl.h"

#include <Eigen/Core>
#include <cmath>
#include <cstdint>

#include "engine/core/parallel.h"

namespace tern {
namespace {

using Direction = HierarchicalKlOptions::Direction;
using ArrayXi = Eigen::Map<const Eigen::Array<std::int32_t, Eigen::Dynamic, 1>>;

// A thread's memory between rows and calls; grows to the largest row seen.
struct Scratch {
  Eigen::ArrayXd used;  // 1 for a parent that has children, else 0
  Eigen::ArrayXd p;     // the head's probabilities, and their logarithms
  Eigen::ArrayXd log_p;
  Eigen::ArrayXd child;  // softmax over the children that have a parent
  Eigen::ArrayXd q;      // implied probabilities
  Eigen::ArrayXd log_q;  // log(q + epsilon)
  Eigen::ArrayXd dq;
};

class RowKl {
 public:
  RowKl(const Tensor& parent_of, std::int64_t parents, const HierarchicalKlOptions& options, double weight,
        Scratch& scratch)
      : parent_of_(parent_of.data<std::int32_t>(), parent_of.numel()),
        options_(options),
        weight_(weight),
        s_(scratch) {
    s_.used.setZero(parents);
    for (const std::int32_t k : parent_of_) {
      if (k >= 0) s_.used[k] = 1;
    }
    any_ = s_.used.sum() > 0;
  }

  /// The divergence of one row; `weight` times its gradient goes to dhead and dchild.
  double operator()(const float* head, const float* child, float* dhead, float* dchild) {
    const Eigen::Index parents = s_.used.size(), children = parent_of_.size();
    Eigen::Map<Eigen::ArrayXf> dhead_row(dhead, parents), dchild_row(dchild, children);
    if (!any_) {
      dhead_row.setZero();
      dchild_row.setZero();
      return 0;
    }
    head_distribution(head);
    implied_distribution(child);
    const bool forward = options_.direction == Direction::head_to_implied;
    const double epsilon = static_cast<double>(options_.epsilon);
    double kl = 0;
    for (Eigen::Index k = 0; k < parents; ++k) {
      if (s_.used[k] == 0) continue;
      const double ratio = s_.log_p[k] - s_.log_q[k];
      if (!forward) {
        kl -= (s_.q[k] + epsilon) * ratio;
      } else if (s_.p[k] != 0) {
        kl += s_.p[k] * ratio;
      }
    }
    write_head_gradient(forward, kl, dhead_row);
    write_child_gradient(forward, dchild_row);
    return kl;
  }

 private:
  void head_distribution(const float* head) {
    const Eigen::Index parents = s_.used.size();
    const double temperature = static_cast<double>(options_.temperature);
    double max = -INFINITY, sum = 0;
    s_.log_p = Eigen::Map<const Eigen::ArrayXf>(head, parents).cast<double>() / temperature;
    for (Eigen::Index k = 0; k < parents; ++k) {
      if (s_.used[k] != 0) max = std::fmax(max, s_.log_p[k]);
    }
    s_.log_p -= max;
    for (Eigen::Index k = 0; k < parents; ++k) {
      if (s_.used[k] != 0) sum += std::exp(s_.log_p[k]);
    }
    s_.log_p -= std::log(sum);
    s_.p.resize(parents);
    for (Eigen::Index k = 0; k < parents; ++k) s_.p[k] = s_.used[k] != 0 ? std::exp(s_.log_p[k]) : 0;
  }

  void implied_distribution(const float* child) {
    const double temperature = static_cast<double>(options_.temperature);
    double max = -INFINITY;
    for (Eigen::Index i = 0; i < parent_of_.size(); ++i) {
      if (parent_of_[i] >= 0) max = std::fmax(max, static_cast<double>(child[i]));
    }
    // A child that is left out may exceed `max`; its exp, perhaps infinite, is replaced below.
    s_.child =
        ((Eigen::Map<const Eigen::ArrayXf>(child, parent_of_.size()).cast<double>() - max) / temperature)
            .exp();
    s_.q.setZero(s_.used.size());
    double sum = 0;
    for (Eigen::Index i = 0; i < parent_of_.size(); ++i) {
      if (parent_of_[i] < 0) {
        s_.child[i] = 0;
        continue;
      }
      s_.q[parent_of_[i]] += s_.child[i];
      sum += s_.child[i];
    }
    s_.child /= sum;
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

  void write_child_gradient(bool forward, Eigen::Map<Eigen::ArrayXf>& dchild) {
    if (options_.detaches_implied()) {
      dchild.setZero();
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
    for (Eigen::Index i = 0; i < dchild.size(); ++i) {
      dchild[i] =
          parent_of_[i] < 0 ? 0.0f : static_cast<float>(s_.child[i] * (s_.dq[parent_of_[i]] - mean) * scale);
    }
  }

  ArrayXi parent_of_;
  const HierarchicalKlOptions& options_;
  double weight_;
  Scratch& s_;
  bool any_ = false;
};

}  // namespace

void cpu::hierarchical_kl(const Tensor& parent_logits, const Tensor& child_logits, const Tensor& parent_of,
                          const HierarchicalKlOptions& options, Tensor& loss, Tensor& dparent,
                          Tensor& dchild) {
  const std::int64_t rows = parent_logits.size(0), parents = parent_logits.size(1),
                     children = child_logits.size(1);
  const double temperature = static_cast<double>(options.temperature);
  const double factor = options.scale_by_temperature_squared ? temperature * temperature : 1.0;
  const double weight = rows > 0 ? factor / static_cast<double>(rows) : 0.0;
  const float *head = parent_logits.data<float>(), *child = child_logits.data<float>();
  float *dhead = dparent.data<float>(), *dchild_rows = dchild.data<float>();
  Tensor row_losses = Tensor::empty({rows}, DType::f64);
  double* row_loss = row_losses.data<double>();
  parallel_for(rows, 16, [&](std::int64_t begin, std::int64_t end) {
    static thread_local Scratch scratch;
    RowKl row_kl(parent_of, parents, options, weight, scratch);
    for (std::int64_t r = begin; r < end; ++r) {
      row_loss[r] =
          row_kl(head + r * parents, child + r * children, dhead + r * parents, dchild_rows + r * children);
    }
  });
  double total = 0;
  for (std::int64_t r = 0; r < rows; ++r) total += row_loss[r];
  *loss.data<float>() = static_cast<float>(total * weight);
}

}  // namespace tern
