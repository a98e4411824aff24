#include "engine/optim/optimizer.h"

#include <cmath>
#include <unordered_set>

#include "engine/backend/elementwise.h"
#include "engine/core/check.h"

namespace tern {

const char* name_of(ParameterKind kind) {
  switch (kind) {
    case ParameterKind::weight:
      return "weight";
    case ParameterKind::bias:
      return "bias";
    case ParameterKind::norm:
      return "norm";
    case ParameterKind::scale:
      return "scale";
  }
  return "unknown";
}

std::vector<ParameterGroup> make_parameter_groups(const std::vector<ParameterEntry>& parameters,
                                                  float weight_decay, bool decay_exempt,
                                                  float learning_rate_factor) {
  ParameterGroup decayed{{}, learning_rate_factor, weight_decay};
  ParameterGroup exempt{{}, learning_rate_factor, 0};
  for (const ParameterEntry& parameter : parameters) {
    if (!parameter.value.requires_grad()) continue;
    const bool decays = !decay_exempt || parameter.kind == ParameterKind::weight;
    (decays ? decayed : exempt).parameters.push_back(parameter);
  }
  std::vector<ParameterGroup> groups;
  if (!decayed.parameters.empty()) groups.push_back(std::move(decayed));
  if (!exempt.parameters.empty()) groups.push_back(std::move(exempt));
  return groups;
}

Optimizer::Optimizer(const char* name, const std::vector<ParameterGroup>& groups, int moments)
    : name_(name), moments_(moments) {
  std::unordered_set<const void*> seen;
  std::unordered_set<std::string> names;
  for (const ParameterGroup& group : groups) {
    const auto require_non_negative = [name](const char* what, float value) {
      if (std::isfinite(value) && value >= 0) return;
      throw Error(name, std::string(what) + " >= 0", std::to_string(value));
    };
    require_non_negative("a weight decay", group.weight_decay);
    require_non_negative("a learning rate factor", group.learning_rate_factor);
    for (const ParameterEntry& parameter : group.parameters) {
      if (!parameter.value.requires_grad()) {
        throw Error(name, "parameters that require gradients", "'" + parameter.name + "', which does not");
      }
      const Tensor& value = parameter.value.data();
      const bool is_new =
          (value.numel() == 0 || seen.insert(value.raw()).second) && names.insert(parameter.name).second;
      if (!is_new) throw Error(name, "each parameter once", "'" + parameter.name + "' twice");
      Entry entry{parameter.name, parameter.value, {}, group.learning_rate_factor};
      entry.slot.parameter = value;
      entry.slot.weight_decay = group.weight_decay;
      if (moments > 0) entry.slot.first_moment = Tensor::zeros_like(value);
      if (moments > 1) entry.slot.second_moment = Tensor::zeros_like(value);
      entries_.push_back(std::move(entry));
    }
  }
  active_.reserve(entries_.size());
  updated_.reserve(entries_.size());
}

void Optimizer::step(const StepOptions& options) {
  if (!std::isfinite(options.learning_rate) || options.learning_rate < 0) {
    throw Error(name_, "a learning rate >= 0", std::to_string(options.learning_rate));
  }
  if (!(options.clip_norm >= 0)) {
    throw Error(name_, "a norm to clip at >= 0", std::to_string(options.clip_norm));
  }
  if (options.accumulated < 1) {
    throw Error(name_, "at least 1 accumulated gradient", std::to_string(options.accumulated));
  }
  active_.clear();
  updated_.clear();
  for (Entry& entry : entries_) {
    if (!entry.value.grad().defined()) continue;
    OptimizerSlot& slot = active_.emplace_back(entry.slot);
    slot.gradient = entry.value.grad();
    slot.bf16_copy = entry.value.bf16_copy();
    slot.learning_rate = options.learning_rate * entry.learning_rate_factor;
    if (entry.is_kept) updated_.push_back(slot);
  }
  if (active_.empty()) return;
  ++step_count_;
  const Tensor* const scale = gradient_scale(options);
  if (!updated_.empty()) update(updated_, scale);
  active_.clear();  // lets go of the gradients, so that their memory has one owner again
  updated_.clear();
}

// The factor of all gradients: 1 / k for k accumulated ones, times what clipping asks. With n the norm of the
// summed gradients, min(1, max / (n / k)) / k = min(1, k max / n) / k.
const Tensor* Optimizer::gradient_scale(const StepOptions& options) {
  if (options.clip_norm == 0 && options.accumulated == 1) return nullptr;
  const Device device = active_.front().parameter.device();
  if (!scale_.defined()) {
    scale_ = Tensor::empty({1}, DType::f32, device);
  }
  const float part = 1.0f / static_cast<float>(options.accumulated);
  if (options.clip_norm == 0) {
    fill(part, scale_);
    return &scale_;
  }
  if (!norm_.defined()) norm_ = Tensor::empty({1}, DType::f32, device);
  clip_scale(active_, options.clip_norm * static_cast<float>(options.accumulated), norm_, scale_);
  if (options.accumulated > 1) {
    affine(scale_, part, 0, scale_);
    affine(norm_, part, 0, norm_);
  }
  return &scale_;
}

void Optimizer::clear_gradients() {
  for (Entry& entry : entries_) entry.value.clear_grad();
}

std::vector<OptimizerTensor> Optimizer::state() const {
  std::vector<OptimizerTensor> state;
  for (const Entry& entry : entries_) {
    if (moments_ > 0) state.push_back({entry.name + ".first_moment", entry.slot.first_moment});
    if (moments_ > 1) state.push_back({entry.name + ".second_moment", entry.slot.second_moment});
  }
  return state;
}

std::vector<Variable> Optimizer::parameters() const {
  std::vector<Variable> parameters;
  for (const Entry& entry : entries_) parameters.push_back(entry.value);
  return parameters;
}

void Optimizer::keep_only(const std::vector<std::uint8_t>& kept) {
  if (kept.size() != entries_.size()) {
    throw Error(name_, std::to_string(entries_.size()) + " flags, one for each parameter",
                std::to_string(kept.size()));
  }
  for (std::size_t i = 0; i < kept.size(); ++i) {
    entries_[i].is_kept = kept[i] != 0;
    if (entries_[i].is_kept) continue;
    entries_[i].slot.first_moment = {};
    entries_[i].slot.second_moment = {};
  }
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, const std::vector<ParameterGroup>& groups,
                                          float momentum) {
  if (name == "adam") return std::make_unique<Adam>(groups);
  if (name == "adamw") return std::make_unique<AdamW>(groups);
  if (name == "sgd") return std::make_unique<Sgd>(groups, SgdOptions{momentum, false});
  throw Error("optimizer", "'adam', 'adamw' or 'sgd'", "'" + name + "'");
}

}  // namespace tern
