// The trainings of tests/goldens/make_trajectory_goldens.py: 20 steps of Adam on a ResNet.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "engine/autograd/tape.h"
#include "engine/ops/cross_entropy.h"
#include "engine/optim/optimizer.h"
#include "models/heads.h"
#include "tests/support/formula.h"
#include "tests/support/goldens.h"
#include "tests/support/tensors.h"

namespace tern::test {

struct TrainingBatch {
  Tensor images;                     ///< [N, 64, 64, 3]
  std::vector<std::int32_t> labels;  ///< [N]
};

/// A torchvision classifier with all weights from the formula.
inline Model trajectory_model(const std::string& architecture, std::int64_t classes,
                              Device device = Device::cpu()) {
  const ModelSpec spec = ModelSpec::imagenet(architecture, classes);
  Model model(spec, Initialiser::zeros());
  fill_by_formula(model, 20);
  if (device.is_cpu()) return model;
  Model there(spec, Initialiser::zeros(device));
  load_state_dict(there, model.state_dict(), "formula");
  return there;
}

/// Trains and CHECKs each step's loss against the golden ones, to `tolerance` relative. The losses.
inline std::vector<double> check_trajectory(Model& model, const std::function<TrainingBatch(int step)>& batch,
                                            const std::string& golden_case, double tolerance) {
  const auto goldens = read_goldens("trajectory.txt");
  const reference::Array& wanted = goldens.at(golden_case).array("losses");
  Adam adam(make_parameter_groups(model.parameters(), 1e-4f, /*decay_exempt=*/false));
  model.set_training(true);
  const Device device = model.parameters().front().value.data().device();
  double largest = 0;
  std::vector<double> losses;
  for (int step = 0; step < wanted.size(); ++step) {
    const TrainingBatch now = batch(step);
    adam.clear_gradients();
    const Variable images(now.images.to(device));
    const Variable loss = cross_entropy(model.forward(images)[0], integers(now.labels, device));
    backward(loss);
    adam.step({.learning_rate = 1e-5f});
    const double got = loss.data().item(), expected = wanted[step];
    losses.push_back(got);
    largest = std::max(largest, std::abs(got - expected) / expected);
    CAPTURE(step);
    CHECK(got == doctest::Approx(expected).epsilon(tolerance).scale(0));
  }
  std::printf("%s on %s: largest relative difference of a loss %.2e\n", golden_case.c_str(),
              backend_of(device).description().c_str(), largest);
  return losses;
}

}  // namespace tern::test
