// SGD's step is p -= rate (g + decay p). With p the average, g the model's values, decay -1 and rate
// ema_decay - 1 it is
//
//   average -= (ema_decay - 1) (model - average)
//
// which is wanted, for all tensors in one pass, or on a GPU in one launch.
#include "apps/train/ema.h"

#include "engine/core/check.h"

namespace tern {

ModelEma::ModelEma(const Model& model, Precision precision, Device device, double decay)
    : average_(model.spec(), Initialiser::zeros(device)) {
  check(decay > 0 && decay < 1, "ema_decay", "a number in (0, 1)", "another");
  average_.set_precision(precision);
  const StateDict averages = average_.state_dict(), values = model.state_dict();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Pair pair{averages[i].tensor, values[i].tensor};
    if (pair.average.dtype() != DType::f32) {
      counters_.push_back(pair);
      continue;
    }
    values_.push_back(pair);
    OptimizerSlot& slot = slots_.emplace_back();
    slot.parameter = pair.average;
    slot.gradient = pair.of_model;
    slot.learning_rate = static_cast<float>(decay - 1);
    slot.weight_decay = -1;
  }
  copy(values_);
  copy(counters_);
}

void ModelEma::copy(const std::vector<Pair>& pairs) {
  for (Pair pair : pairs) pair.average.assign(pair.of_model);
}

void ModelEma::update(std::int64_t updates) {
  if (updates == 1) {
    copy(values_);
  } else {
    sgd_step(slots_, {}, nullptr);
  }
  copy(counters_);
}

}  // namespace tern
