// The layers that have parameters, with torchvision's names and initialisation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/backend/backend.h"
#include "engine/core/random.h"
#include "engine/ops/batch_norm.h"
#include "models/module.h"

namespace tern {

/// Where the parameters of a new model come from: each takes the next stream of RandomStream(seed,
/// initialise, number of the parameter), so a seed gives the same model on any machine.
class Initialiser {
 public:
  explicit Initialiser(std::uint64_t seed, Device device = Device::cpu()) : seed_(seed), device_(device) {}
  /// All zero: for a model whose state is loaded right after.
  static Initialiser zeros(Device device = Device::cpu());

  Device device() const { return device_; }

  Variable normal(const Shape& shape, float deviation);
  Variable uniform(const Shape& shape, float bound);  ///< in [-bound, bound)
  Variable constant(const Shape& shape, float value);

 private:
  Variable place(Tensor values) const;

  std::optional<std::uint64_t> seed_;
  std::uint32_t next_ = 0;
  Device device_;
};

/// Square convolution, x [N,H,W,in] -> [N,P,Q,out] of x's type, with in and out divided into G groups.
/// weight [out,R,R,in/G] ~ Normal(0, 2 / (out R R)) (kaiming_normal, fan_out, relu); bias ~ U(+-1 /
/// sqrt(in/G R R)). Throws Error if G does not divide them.
class Conv2d : public Module {
 public:
  Conv2d(std::int64_t in, std::int64_t out, const Convolution& convolution, bool with_bias,
         Initialiser& initialiser);

  Variable forward(const Variable& x) const;
  void visit(const std::string& prefix, StateVisitor& visitor) const override;

  /// Whether products may be TF32.
  void set_tf32(bool tf32) { convolution_.tf32 = tf32; }
  const Convolution& convolution() const { return convolution_; }
  const Variable& weight() const { return weight_; }
  const Variable& bias() const { return bias_; }  ///< undefined without bias

 private:
  Convolution convolution_;
  Variable weight_, bias_;
};

/// Batch normalisation, x [N,H,W,C]. weight (gamma) 1, bias (beta) 0, momentum .1, epsilon 1e-5; in
/// training the batch's statistics and moving averages, in evaluation the moving averages.
class BatchNorm2d : public Module {
 public:
  BatchNorm2d(std::int64_t channels, Initialiser& initialiser);

  /// y = relu(norm(x) + residual), in one op; without residual (undefined) or relu as asked.
  Variable forward(const Variable& x, bool relu, const Variable& residual = {});
  void visit(const std::string& prefix, StateVisitor& visitor) const override;

  void set_training(bool training) { training_ = training; }
  bool training() const { return training_; }
  /// In training the statistics of all of `ranks`' batches together, from now on.
  void synchronise(Communicator& ranks) { state_.ranks = &ranks; }
  /// Counts a batch of a training as num_batches_tracked, in training mode. Whoever trains calls it and not
  /// forward(): a device that does a recorded forward pass again (CapturedWork) does not come by here.
  void count_batch();
  const BatchNormState& state() const { return state_; }

 private:
  BatchNormState state_;
  Tensor batches_tracked_;  ///< i64 scalar, on the host
  bool training_ = true;
};

/// y = x weight^T + bias, x [rows, in]. weight [out, in] and bias [out] ~ U(+-1 / sqrt(in)), as in PyTorch.
class Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, Initialiser& initialiser);

  Variable forward(const Variable& x) const;
  void visit(const std::string& prefix, StateVisitor& visitor) const override;

  /// Whether products may be TF32.
  void set_tf32(bool tf32) { tf32_ = tf32; }

 private:
  Variable weight_, bias_;
  bool tf32_ = false;
};

}  // namespace tern
