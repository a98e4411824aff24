// The training of tests/goldens/make_optimizer_goldens.py.
#pragma once

#include <cmath>
#include <memory>
#include <string>

#include "engine/autograd/tape.h"
#include "engine/optim/optimizer.h"
#include "tests/support/formula.h"
#include "tests/support/goldens.h"
#include "tests/support/tensors.h"

namespace tern::test {

/// Makes `gradient` the gradient of a leaf, by the tape, as only it can.
inline void give_gradient(const Variable& leaf, const Tensor& gradient) {
  const Variable copy =
      record("copy", {leaf}, leaf.data().clone(), [](const Tensor& dy) -> Grads { return {dy}; });
  backward(copy, gradient.clone());
}

struct OptimizerCase {
  explicit OptimizerCase(Device where = Device::cpu())
      : device(where),
        weight(formula_uniform(1, 0, {3, 5}, -1, 1).to(where), true),
        bias(formula_uniform(1, 1, {5}, -1, 1).to(where), true) {}

  Device device;
  Variable weight, bias;

  std::vector<ParameterGroup> groups() const {
    return {{{{"weight", weight, ParameterKind::weight}}, 1.0f, 0.1f},
            {{{"bias", bias, ParameterKind::bias}}, 0.5f, 0.0f}};
  }
  static float rate(int step) { return static_cast<float>(0.01 * std::pow(0.9, step)); }
  static Tensor weight_gradient(int step) {
    return formula_uniform(2, static_cast<std::uint32_t>(2 * step), {3, 5}, -1, 1);
  }
  static Tensor bias_gradient(int step) {
    return formula_uniform(2, static_cast<std::uint32_t>(2 * step + 1), {5}, -1, 1);
  }

  void run(Optimizer& optimizer, float clip_norm, int begin = 0, int end = 10) const {
    for (int step = begin; step < end; ++step) {
      optimizer.clear_gradients();
      give_gradient(weight, weight_gradient(step).to(device));
      give_gradient(bias, bias_gradient(step).to(device));
      optimizer.step({.learning_rate = rate(step), .clip_norm = clip_norm});
    }
  }
};

/// Ten steps with and without clipping end where PyTorch's do.
template <typename Make>
void check_optimizer(const std::string& name, Make&& make) {
  const auto goldens = read_goldens("optimizer.txt");
  for (const Device device : devices()) {
    for (const float clip : {0.0f, 1.0f}) {
      CAPTURE(name);
      CAPTURE(clip);
      const GoldenCase& golden = goldens.at(clip > 0 ? name + "_clipped" : name);
      const OptimizerCase one(device);
      const std::unique_ptr<Optimizer> optimizer = make(one.groups());
      one.run(*optimizer, clip);
      CHECK(optimizer->step_count() == 10);
      CHECK_CLOSE(one.weight.data(), golden.array("weight"), 2e-6);
      CHECK_CLOSE(one.bias.data(), golden.array("bias"), 2e-6);
      if (clip == 0) continue;
      const reference::Array& norms = golden.array("norms");
      CHECK(optimizer->gradient_norm().item() == doctest::Approx(norms.values.back()).epsilon(1e-6));
    }
  }
}

}  // namespace tern::test
