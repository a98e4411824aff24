#include "engine/core/check.h"
#include "engine/optim/optimizer.h"

namespace tern {

Adam::Adam(const char* name, const std::vector<ParameterGroup>& groups, AdamOptions options, bool decoupled)
    : Optimizer(name, groups, 2) {
  const auto is_rate = [](double beta) { return beta >= 0 && beta < 1; };
  check(is_rate(options.beta1) && is_rate(options.beta2), name, "betas in [0, 1)", "others");
  check(options.epsilon >= 0, name, "an epsilon >= 0", "a negative one");
  settings_.beta1 = options.beta1;
  settings_.beta2 = options.beta2;
  settings_.epsilon = options.epsilon;
  settings_.decoupled_decay = decoupled;
}

Adam::Adam(const std::vector<ParameterGroup>& groups, AdamOptions options)
    : Adam("adam", groups, options, /*decoupled=*/false) {}

AdamW::AdamW(const std::vector<ParameterGroup>& groups, AdamOptions options)
    : Adam("adamw", groups, options, /*decoupled=*/true) {}

void Adam::update(std::span<OptimizerSlot> slots, const Tensor* gradient_scale) {
  settings_.step = step_count_;
  adam_step(slots, settings_, gradient_scale);
}

}  // namespace tern
