#include <doctest/doctest.h>

#include <cmath>

#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "engine/ops/optimizer_step.h"
#include "tests/support/goldens.h"
#include "tests/support/tensors.h"

using namespace tern;
using reference::Array;
using test::array;

namespace {

constexpr float kRate = 0.0625f, kDecay = 0.125f;  // of the goldens

OptimizerSlot slot_of(const Tensor& parameter, const Tensor& gradient, const Tensor& moments) {
  return {parameter.clone(), gradient, moments.clone(), moments.clone(), kRate, kDecay};
}

// Runs the golden's steps; step(slots, number) does one.
template <typename Step>
void check_golden(const char* name, const Tensor& initial_moments, Step step) {
  CAPTURE(name);
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at(name);
  const Tensor gradients = golden.tensor("gradients");
  OptimizerSlot slots[] = {slot_of(golden.tensor("start"), Tensor(), initial_moments)};
  for (std::int64_t i = 0; i < gradients.size(0); ++i) {
    slots[0].gradient = gradients.rows(i, i + 1).reshape({7});
    step(std::span<OptimizerSlot>(slots), i);
  }
  CHECK_CLOSE(slots[0].parameter, golden.array("end"), test::tolerance::kSum);
}

// Adam as its paper writes it, in double.
void adam_reference(Array& p, Array& m, Array& v, const Array& gradient, double rate, double decay,
                    bool decoupled, std::int64_t step) {
  for (std::int64_t i = 0; i < p.size(); ++i) {
    const double g = gradient[i] + (decoupled ? 0 : decay * p[i]);
    if (decoupled) p[i] -= rate * decay * p[i];
    m[i] = 0.9 * m[i] + 0.1 * g;
    v[i] = 0.999 * v[i] + 0.001 * g * g;
    const double t = static_cast<double>(step);
    p[i] -= rate * (m[i] / (1 - std::pow(0.9, t))) / (std::sqrt(v[i] / (1 - std::pow(0.999, t))) + 1e-8);
  }
}

}  // namespace

TEST_CASE("optimizer_step: PyTorch's Adam, AdamW and SGD over five steps") {
  const Tensor zeros = Tensor::zeros({7}), poison = Tensor::full({7}, NAN);
  for (const bool decoupled : {false, true}) {
    check_golden(decoupled ? "adamw" : "adam", zeros, [&](std::span<OptimizerSlot> slots, std::int64_t i) {
      adam_step(slots, {.decoupled_decay = decoupled, .step = i + 1}, nullptr);
    });
  }
  check_golden("sgd", Tensor(zeros), [&](std::span<OptimizerSlot> slots, std::int64_t i) {
    slots[0].first_moment = Tensor();  // plain SGD has none
    sgd_step(slots, {.first_step = i == 0}, nullptr);
  });
  for (const bool nesterov : {false, true}) {  // the first step must not read the buffer
    check_golden(nesterov ? "sgd_nesterov" : "sgd_momentum", poison,
                 [&](std::span<OptimizerSlot> slots, std::int64_t i) {
                   sgd_step(slots, {.momentum = 0.875f, .nesterov = nesterov, .first_step = i == 0}, nullptr);
                 });
  }
}

TEST_CASE(
    "optimizer_step: many parameters of odd sizes, each with its own rate and decay, scaled gradients") {
  for (const Device device : test::devices()) {
    for (const bool decoupled : {false, true}) {
      const std::int64_t sizes[] = {1, 0, 17, 40000, 3, 16384, 70001};
      std::vector<OptimizerSlot> slots;
      std::vector<Array> p, m, v;
      std::uint64_t seed = 1;
      for (const std::int64_t size : sizes) {
        const Tensor parameter = test::uniform({size}, -1, 1, seed++, device);
        slots.push_back({parameter, test::uniform({size}, -1, 1, seed++, device),
                         Tensor::zeros({size}, DType::f32, device), Tensor::zeros({size}, DType::f32, device),
                         0.01f * static_cast<float>(slots.size() + 1),
                         0.1f * static_cast<float>(slots.size())});
        p.push_back(array(parameter));
        m.emplace_back(std::vector<std::int64_t>{size});
        v.emplace_back(std::vector<std::int64_t>{size});
      }
      const Tensor half = Tensor::full({1}, 0.5f).to(device);
      for (std::int64_t step = 1; step <= 3; ++step) {
        adam_step(slots, {.decoupled_decay = decoupled, .step = step}, &half);
        for (std::size_t i = 0; i < slots.size(); ++i) {
          Array gradient = array(slots[i].gradient);
          for (double& value : gradient.values) value *= 0.5;
          adam_reference(p[i], m[i], v[i], gradient, static_cast<double>(slots[i].learning_rate),
                         static_cast<double>(slots[i].weight_decay), decoupled, step);
        }
      }
      for (std::size_t i = 0; i < slots.size(); ++i) {
        CHECK_CLOSE(slots[i].parameter, p[i], test::tolerance::kSum);
        CHECK_CLOSE(slots[i].first_moment, m[i], test::tolerance::kSum);
        // 1 - 0.999f is 1.3e-5 off 0.001; the bias correction, with the same beta, takes it out of the
        // update.
        CHECK_CLOSE(slots[i].second_moment, v[i], 3e-5);
      }
    }
  }
}

TEST_CASE("optimizer_step: clipping to a norm, PyTorch's result") {
  const auto goldens = test::read_goldens("ops.txt");
  const test::GoldenCase& golden = goldens.at("clip");
  OptimizerSlot slots[2];
  slots[0].parameter = slots[0].gradient = golden.tensor("a");
  slots[1].parameter = slots[1].gradient = golden.tensor("b");
  Tensor norm = Tensor::full({1}, NAN), scale = Tensor::full({1}, NAN);
  clip_scale(slots, 1.5f, norm, scale);
  CHECK_CLOSE(norm, golden.array("norm"), test::tolerance::kElementwise);
  Tensor clipped = Tensor::empty_like(slots[1].gradient);
  mul(slots[1].gradient, scale, clipped);
  CHECK_CLOSE(clipped, golden.array("clipped_b"), test::tolerance::kElementwise);

  clip_scale(slots, 1e6f, norm, scale);
  CHECK(scale.item() == 1);
  slots[0].gradient.data<float>()[2] = NAN;
  clip_scale(slots, 1.5f, norm, scale);
  CHECK(std::isnan(norm.item()));
  CHECK(std::isnan(scale.item()));
  clip_scale({}, 1.5f, norm, scale);
  CHECK(norm.item() == 0);
  CHECK(scale.item() == 1);
}

TEST_CASE("optimizer_step: the norm of millions of gradients keeps its digits") {
  OptimizerSlot slots[1];
  slots[0].parameter = slots[0].gradient = Tensor::full({3000001}, 0.1f);
  Tensor norm = Tensor::empty({1}), scale = Tensor::empty({1});
  clip_scale(slots, 1, norm, scale);
  CHECK(norm.item() == doctest::Approx(static_cast<double>(0.1f) * std::sqrt(3000001.0)).epsilon(1e-6));
}
