#include "engine/core/check.h"
#include "engine/optim/optimizer.h"

namespace tern {

Sgd::Sgd(const std::vector<ParameterGroup>& groups, SgdOptions options)
    : Optimizer("sgd", groups, options.momentum > 0 ? 1 : 0), options_(options) {
  check(options.momentum >= 0 && options.momentum < 1, "sgd", "a momentum in [0, 1)", "another");
  check(options.momentum > 0 || !options.nesterov, "sgd", "a momentum for nesterov", "none");
}

void Sgd::update(std::span<OptimizerSlot> slots, const Tensor* gradient_scale) {
  // first_step stays false: a buffer that starts at zero gives momentum * 0 + g = g, also for a parameter
  // that gets its first gradient late.
  SgdSettings settings;
  settings.momentum = options_.momentum;
  settings.nesterov = options_.nesterov;
  sgd_step(slots, settings, gradient_scale);
}

}  // namespace tern
