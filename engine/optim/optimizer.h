// Optimisers: all parameters of all groups in one fused step (engine/ops/optimizer_step.h).
//
//   Adam   g += decay p (coupled L2);  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
//          p -= lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon)
//   AdamW  p -= lr decay p first, and g stays as it is
//   SGD    g += decay p;  b = momentum b + g (the first time b = g);  p -= lr b   (nesterov: g + momentum b)
//
// These are PyTorch's formulas. A parameter without a gradient is skipped, decay too; all parameters share
// the step count t.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/ops/optimizer_step.h"
#include "engine/optim/parameter.h"

namespace tern {

/// One step's settings.
struct StepOptions {
  float learning_rate = 0;
  float clip_norm = 0;  ///< the gradients' common norm is scaled down to at most this; 0 leaves it alone
  int accumulated = 1;  ///< number of backward() calls whose gradients were summed: they are averaged
};

/// A part of an optimiser's memory, for checkpoints. Shares its elements with the optimiser.
struct OptimizerTensor {
  std::string name;  ///< "<parameter>.first_moment", "<parameter>.second_moment"
  Tensor value;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates every parameter that has a gradient, in place. The gradients stay until clear_gradients(). If
  /// no parameter has one nothing happens, and the step does not count.
  void step(const StepOptions& options);

  /// Forgets the gradients' values and keeps their memory.
  void clear_gradients();

  /// The norm of the (averaged) gradients before clipping, one element on the device; undefined until a step
  /// with clip_norm > 0.
  const Tensor& gradient_norm() const { return norm_; }

  std::int64_t step_count() const { return step_count_; }
  void set_step_count(std::int64_t steps) { step_count_ = steps; }  ///< when resuming
  /// The moments, in the parameters' order; to resume, assign() saved values to them. Undefined where keep_only() let go of them.
  std::vector<OptimizerTensor> state() const;

  std::vector<Variable> parameters() const;  ///< in the order in which they were given
  int moments_per_parameter() const { return moments_; }
  /// Lets go of the moments of all parameters but those whose flag is set, and updates those alone, of the parameters() by their
  /// places. Clipping still takes the norm of all gradients. For one rank of several (optimizer_shards.h).
  void keep_only(const std::vector<std::uint8_t>& kept);

 protected:
  /// moments: 0, 1 or 2 tensors per parameter, zero at first. Throws Error for a parameter that appears twice,
  /// is no leaf with a gradient, or for a factor or decay that is negative or no number.
  Optimizer(const char* name, const std::vector<ParameterGroup>& groups, int moments);

  virtual void update(std::span<OptimizerSlot> slots, const Tensor* gradient_scale) = 0;

  std::int64_t step_count_ = 0;

 private:
  struct Entry {
    std::string name;
    Variable value;
    OptimizerSlot slot;  ///< parameter, moments, weight decay; the gradient is set at each step
    float learning_rate_factor = 1;
    bool is_kept = true;
  };

  const Tensor* gradient_scale(const StepOptions& options);

  const char* name_;
  int moments_;
  std::vector<Entry> entries_;
  std::vector<OptimizerSlot> active_;  ///< of this step, as are the next ones; members for their memory
  std::vector<OptimizerSlot> updated_;
  Tensor norm_, scale_;
};

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.999;  ///< double: 1 - beta2 is taken, and f32 would lose it
  float epsilon = 1e-8f;
};

class Adam : public Optimizer {
 public:
  explicit Adam(const std::vector<ParameterGroup>& groups, AdamOptions options = {});

 protected:
  Adam(const char* name, const std::vector<ParameterGroup>& groups, AdamOptions options, bool decoupled);
  void update(std::span<OptimizerSlot> slots, const Tensor* gradient_scale) override;

 private:
  AdamSettings settings_;
};

class AdamW : public Adam {
 public:
  explicit AdamW(const std::vector<ParameterGroup>& groups, AdamOptions options = {});
};

struct SgdOptions {
  float momentum = 0;
  bool nesterov = false;
};

class Sgd : public Optimizer {
 public:
  explicit Sgd(const std::vector<ParameterGroup>& groups, SgdOptions options = {});

 protected:
  void update(std::span<OptimizerSlot> slots, const Tensor* gradient_scale) override;

 private:
  SgdOptions options_;
};

/// "adam", "adamw" or "sgd"; momentum counts for sgd alone. Throws Error naming the valid ones for any other.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const std::vector<ParameterGroup>& groups,
                                          float momentum = 0.9f);

}  // namespace tern
