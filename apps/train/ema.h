// The exponential moving average of a model's weights: after each update average = decay average + (1 - decay) model,
// as timm's ModelEmaV3 and torchvision's ExponentialMovingAverage. Batch norm's running statistics are averaged
// alike, and its batch counters copied. The first update copies the model, so that the average does not remember
// what it was before.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ops/optimizer_step.h"
#include "models/heads.h"

namespace tern {

class ModelEma {
 public:
  /// The average begins as a copy. `model` must outlive this, and keep its tensors (their values change); decay is
  /// in (0, 1).
  ModelEma(const Model& model, Precision precision, Device device, double decay);

  /// After update number `updates` of the model, counted from 1.
  void update(std::int64_t updates);

  Model& model() { return average_; }
  const Model& model() const { return average_; }

 private:
  struct Pair {
    Tensor average, of_model;
  };

  void copy(const std::vector<Pair>& pairs);

  Model average_;
  std::vector<OptimizerSlot> slots_;  ///< of SGD's step, which does all of it at once
  std::vector<Pair> values_, counters_;
};

}  // namespace tern
