// The moving average of a model's weights, recomputed in double precision from what the weights were.
#include "apps/train/ema.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

Model new_model(std::uint64_t seed, Device device = Device::cpu()) {
  const ModelSpec spec{"narrow_resnet10_4",
                       {{"super_head", HeadKind::linear, 3}, {"sub_head", HeadKind::cosine, 4}}};
  return Model(spec, Initialiser(seed, device));
}

/// Other weights, statistics and counters, as an update of the model would leave them.
void change(Model& model, std::uint32_t update) {
  RandomStream random(3, random_purpose::test, update);
  for (NamedTensor& entry : model.state_dict()) {
    if (entry.tensor.dtype() != DType::f32) {
      *entry.tensor.data<std::int64_t>() += 1;
      continue;
    }
    std::vector<float> values = entry.tensor.to_vector<float>();
    for (float& value : values) value += random.uniform(0, 0.25f);
    entry.tensor.assign(Tensor::from(entry.tensor.shape(), values).to(entry.tensor.device()));
  }
}

}  // namespace

TEST_CASE("ema: parameters and running statistics decay towards the model's, counters are copied") {
  constexpr double kDecay = 0.75;
  for (const Device device : test::devices()) {
    Model model = new_model(1, device);
    ModelEma ema(model, Precision::fp32, device, kDecay);
    std::vector<std::vector<double>> wanted;
    const int updates = device.is_cpu() ? 4 : 2;
    for (int update = 1; update <= updates; ++update) {
      change(model, static_cast<std::uint32_t>(update));
      ema.update(update);
      const StateDict state = model.state_dict();
      wanted.resize(state.size());
      for (std::size_t i = 0; i < state.size(); ++i) {
        if (state[i].tensor.dtype() != DType::f32) continue;
        const std::vector<float> now = state[i].tensor.to_vector<float>();
        if (update == 1) wanted[i].assign(now.begin(), now.end());  // the first update copies
        for (std::size_t k = 0; k < now.size(); ++k) {
          wanted[i][k] = kDecay * wanted[i][k] + (1 - kDecay) * double{now[k]};
        }
      }
    }
    const StateDict state = model.state_dict(), averages = ema.model().state_dict();
    REQUIRE(averages.size() == state.size());
    for (std::size_t i = 0; i < averages.size(); ++i) {
      CAPTURE(averages[i].name);
      REQUIRE(averages[i].name == state[i].name);
      if (averages[i].tensor.dtype() != DType::f32) {
        CHECK(*averages[i].tensor.data<std::int64_t>() == *state[i].tensor.data<std::int64_t>());
        continue;
      }
      const std::vector<float> got = averages[i].tensor.to_vector<float>();
      double largest = 0;
      for (std::size_t k = 0; k < got.size(); ++k) {
        largest = std::max(largest, std::abs(double{got[k]} - wanted[i][k]));
      }
      CHECK(largest < 2e-6 * (1 + std::abs(wanted[i][0])));
      CHECK_FALSE(test::same_bytes(averages[i].tensor, state[i].tensor));
    }
  }
}

TEST_CASE("ema: begins as the model, and leaves weights that do not move as they are") {
  Model model = new_model(2);
  ModelEma ema(model, Precision::fp32, Device::cpu(), 0.9);
  const auto check_same = [&] {  // but for the sign of a zero
    const StateDict state = model.state_dict(), averages = ema.model().state_dict();
    for (std::size_t i = 0; i < state.size(); ++i) {
      if (state[i].tensor.dtype() != DType::f32) continue;
      CAPTURE(state[i].name);
      CHECK(averages[i].tensor.to_vector<float>() == state[i].tensor.to_vector<float>());
    }
  };
  check_same();
  for (int update = 1; update <= 3; ++update) ema.update(update);
  check_same();
}

TEST_CASE("ema: refuses a decay that keeps nothing, or everything") {
  const Model model = new_model(2);
  for (const double decay : {0.0, 1.0, -0.5, std::nan("")}) {
    CHECK_THROWS_AS(ModelEma(model, Precision::fp32, Device::cpu(), decay), Error);
  }
}
