// Steps of Adam, AdamW and SGD and the clipping of gradients: on every device, then the kernels for every
// size, type and alignment.
#include "engine/ops/optimizer_step.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "tests/support/goldens.h"
#include "tests/support/optimizer_model.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;
using reference::Array;

namespace {

constexpr float kRate = 0.0625f, kDecay = 0.125f;  // of the goldens

OptimizerSlot slot_of(const Tensor& parameter, const Tensor& gradient, const Tensor& moments) {
  return {parameter.clone(), gradient, moments.clone(), moments.clone(), kRate, kDecay};
}

// Runs the golden's steps; step(slots, number) does one.
template <typename Step>
void check_golden(const char* name, const Tensor& initial_moments, Step step) {
  CAPTURE(name);
  const auto goldens = read_goldens("ops.txt");
  const GoldenCase& golden = goldens.at(name);
  const Tensor gradients = golden.tensor("gradients");
  OptimizerSlot slots[] = {slot_of(golden.tensor("start"), Tensor(), initial_moments)};
  for (std::int64_t i = 0; i < gradients.size(0); ++i) {
    slots[0].gradient = gradients.rows(i, i + 1).reshape({7});
    step(std::span<OptimizerSlot>(slots), i);
  }
  CHECK_CLOSE(slots[0].parameter, golden.array("end"), tolerance::kSum);
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
  for (const Device device : devices()) {
    for (const bool decoupled : {false, true}) {
      const std::int64_t sizes[] = {1, 0, 17, 40000, 3, 16384, 70001};
      std::vector<OptimizerSlot> slots;
      std::vector<reference::OptimizerState> wanted;
      std::uint64_t seed = 1;
      for (const std::int64_t size : sizes) {
        const Tensor parameter = uniform({size}, -1, 1, seed++, device);
        slots.push_back({parameter, uniform({size}, -1, 1, seed++, device),
                         Tensor::zeros({size}, DType::f32, device), Tensor::zeros({size}, DType::f32, device),
                         0.01f * static_cast<float>(slots.size() + 1),
                         0.1f * static_cast<float>(slots.size())});
        wanted.emplace_back(array(parameter));
      }
      const Tensor half = Tensor::full({1}, 0.5f).to(device);
      for (std::int64_t step = 1; step <= 3; ++step) {
        adam_step(slots, {.decoupled_decay = decoupled, .step = step}, &half);
        for (std::size_t i = 0; i < slots.size(); ++i) {
          Array gradient = array(slots[i].gradient);
          for (double& value : gradient.values) value *= 0.5;
          reference::adam_step(wanted[i], gradient, static_cast<double>(slots[i].learning_rate),
                               static_cast<double>(slots[i].weight_decay), decoupled, step);
        }
      }
      for (std::size_t i = 0; i < slots.size(); ++i) {
        CHECK_CLOSE(slots[i].parameter, wanted[i].p, tolerance::kSum);
        CHECK_CLOSE(slots[i].first_moment, wanted[i].m, tolerance::kSum);
        // 1 - 0.999f is 1.3e-5 off 0.001; the bias correction, with the same beta, takes it out of the
        // update.
        CHECK_CLOSE(slots[i].second_moment, wanted[i].v, 3e-5);
      }
    }
  }
}

TEST_CASE("optimizer_step: clipping to a norm, PyTorch's result") {
  const auto goldens = read_goldens("ops.txt");
  const GoldenCase& golden = goldens.at("clip");
  OptimizerSlot slots[2];
  slots[0].parameter = slots[0].gradient = golden.tensor("a");
  slots[1].parameter = slots[1].gradient = golden.tensor("b");
  Tensor norm = Tensor::full({1}, NAN), scale = Tensor::full({1}, NAN);
  clip_scale(slots, 1.5f, norm, scale);
  CHECK_CLOSE(norm, golden.array("norm"), tolerance::kElementwise);
  Tensor clipped = Tensor::empty_like(slots[1].gradient);
  mul(slots[1].gradient, scale, clipped);
  CHECK_CLOSE(clipped, golden.array("clipped_b"), tolerance::kElementwise);

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

namespace {

// Around a vector, a warp's vectors, a block's, one chunk and two; empty ones in front, between and behind.
constexpr std::size_t kKernelSizes[] = {0,    0,    1,    3,    4,    5, 31, 127,  128, 129,  1023,
                                        1024, 1027, 4095, 4096, 4097, 0, 0,  8195, 0,   2048, 0};

/// Works, which should take one launch.
template <typename Work>
void in_one_launch(Work&& work) {
  const std::int64_t before = launch_count();
  work();
  if (is_emulated()) CHECK(launch_count() == before + 1);
}

constexpr double kTolerance = 2e-6;  // several steps, each of several roundings

void check_against(const Model& model, const std::vector<reference::OptimizerState>& wanted, bool has_first,
                   bool has_second) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    const ModelParameter& p = model.parameters[i];
    CHECK_ARRAY(p.parameter, wanted[i].p, kTolerance);
    if (has_first) CHECK_ARRAY(p.first, wanted[i].m, kTolerance);
    if (has_second) CHECK_ARRAY(p.second, wanted[i].v, kTolerance);
    const std::vector<float> values = p.parameter.values();
    std::vector<double> rounded(values.size(), NAN);  // poison where there is no copy
    for (std::size_t k = 0; p.has_copy && k < rounded.size(); ++k) {
      rounded[k] = static_cast<double>(static_cast<float>(bfloat16(values[k])));
    }
    CHECK_ARRAY(p.copy, rounded, 0);
  }
}

double learning_rate(std::size_t slot) {
  return 0.125 / static_cast<double>(1 + slot % 3);
}
double decay(std::size_t slot) {
  return 0.0625 * static_cast<double>(slot % 4);
}

constexpr double kBeta1 = 0.9, kBeta2 = 0.999;
constexpr kernels::AdamConstants kAdam = {0.9f, static_cast<float>(1 - kBeta1), 0.999f,
                                          static_cast<float>(1 - kBeta2), 1e-8f};

void set_adam_step(Model& model, int step, bool decoupled) {
  for (std::size_t i = 0; i < model.parameters.size(); ++i) {
    kernels::OptimizerSlotView& view = model.parameters[i].view;
    view.rate = static_cast<float>(learning_rate(i) / (1 - std::pow(kBeta1, step)));
    view.inverse_root = static_cast<float>(1 / std::sqrt(1 - std::pow(kBeta2, step)));
    view.coupled_decay = decoupled ? 0 : static_cast<float>(decay(i));
    view.kept = decoupled ? static_cast<float>(1 - learning_rate(i) * decay(i)) : 1;
  }
}

/// `steps` steps of Adam on fresh gradients, each checked.
void run_adam(Model& model, bool decoupled, const float* scale, double factor, int steps) {
  model.clear_moments();
  std::vector<reference::OptimizerState> wanted = model.references();
  for (int step = 1; step <= steps; ++step) {
    std::vector<Array> gradients = model.draw_gradients(static_cast<std::uint64_t>(100 * step));
    set_adam_step(model, step, decoupled);
    const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
    in_one_launch(
        [&] { kernels::adam_step(slots.data(), model.count(), model.chunks, kAdam, scale, nullptr); });
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      for (double& g : gradients[i].values) g *= factor;
      reference::adam_step(wanted[i], gradients[i], learning_rate(i), decay(i), decoupled, step);
    }
    check_against(model, wanted, true, true);
  }
}

}  // namespace

TEST_CASE(
    "optimizer_step kernel: Adam and AdamW follow fp64 over steps, for every size, type and alignment") {
  if (!device_is_there()) return;
  const DeviceArray<float> half(std::vector<float>{0.5f});
  for (const bool decoupled : {false, true}) {
    CAPTURE(decoupled);
    Model model(kKernelSizes);
    run_adam(model, decoupled, nullptr, 1, 3);
    Model scaled(kKernelSizes);
    run_adam(scaled, decoupled, half.data(), 0.5, 2);
  }
}

TEST_CASE(
    "optimizer_step kernel: SGD follows fp64 with and without momentum, and reads no buffer at its first "
    "step") {
  if (!device_is_there()) return;
  const DeviceArray<float> scale(std::vector<float>{0.75f});
  for (const float momentum : {0.0f, 0.875f}) {
    for (const bool nesterov : {false, true}) {
      CAPTURE(momentum);
      CAPTURE(nesterov);
      Model model(kKernelSizes);  // its buffers are NaN
      std::vector<reference::OptimizerState> wanted = model.references();
      for (int step = 1; step <= 3; ++step) {
        std::vector<Array> gradients = model.draw_gradients(static_cast<std::uint64_t>(100 * step));
        for (std::size_t i = 0; i < wanted.size(); ++i) {
          model.parameters[i].view.rate = static_cast<float>(learning_rate(i));
          model.parameters[i].view.coupled_decay = static_cast<float>(decay(i));
          if (momentum == 0) model.parameters[i].view.first_moment = nullptr;
          for (double& g : gradients[i].values) g *= 0.75;
          reference::sgd_step(wanted[i], gradients[i], learning_rate(i), decay(i), double{momentum}, nesterov,
                              step == 1);
        }
        const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
        const kernels::SgdConstants constants = {momentum, nesterov, step == 1};
        in_one_launch([&] {
          kernels::sgd_step(slots.data(), model.count(), model.chunks, constants, scale.data(), nullptr);
        });
        check_against(model, wanted, momentum != 0, false);
      }
      for (const ModelParameter& p : model.parameters) {  // what is not SGD's stays poisoned
        CHECK_ARRAY(p.second, std::vector<double>(p.second.size(), NAN), 0);
        if (momentum == 0) CHECK_ARRAY(p.first, std::vector<double>(p.first.size(), NAN), 0);
      }
    }
  }
}

TEST_CASE("optimizer_step kernel: extreme gradients and NaN touch their own element alone") {
  if (!device_is_there()) return;
  constexpr std::size_t kSize = 13;
  Model model(std::vector<std::size_t>{kSize});
  model.clear_moments();
  std::vector<float> gradient(kSize, 1.0f);
  gradient[0] = NAN;
  gradient[2] = INFINITY;
  gradient[5] = 1e30f;   // its square is infinite: no update
  gradient[7] = 1e-30f;  // its square is 0: epsilon alone divides
  gradient[9] = 0;
  gradient[12] = NAN;  // among those that fill no vector
  copy(model.parameters[0].gradient.data(), gradient.data(), kSize * sizeof(float));
  set_adam_step(model, 1, false);
  const std::vector<double> before = widened(model.parameters[0].parameter.values());
  const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
  kernels::adam_step(slots.data(), 1, model.chunks, kAdam, nullptr, nullptr);
  std::vector<double> wanted(kSize);
  for (std::size_t i = 0; i < kSize; ++i) wanted[i] = before[i] - learning_rate(0);
  wanted[0] = wanted[2] = wanted[12] = NAN;  // infinity over infinity
  wanted[5] = before[5];
  wanted[7] = before[7] - learning_rate(0) * 1e-30 / 1e-8;
  wanted[9] = before[9];
  CHECK_ARRAY(model.parameters[0].parameter, wanted, kTolerance);
}

TEST_CASE("optimizer_step kernel: two runs give the same bits") {
  if (!device_is_there()) return;
  std::vector<float> states[2], norms[2];
  for (int run = 0; run < 2; ++run) {
    Model model(kKernelSizes);
    model.clear_moments();
    model.draw_gradients(5);
    set_adam_step(model, 1, true);
    const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
    DeviceArray<float> norm(1), scale(1);
    DeviceArray<unsigned char> workspace = clip_workspace(model.chunks);
    kernels::clip_scale(slots.data(), model.count(), model.chunks, 1, norm.data(), scale.data(),
                        workspace.data(), nullptr);
    kernels::adam_step(slots.data(), model.count(), model.chunks, kAdam, scale.data(), nullptr);
    states[run] = model.state();
    norms[run] = {norm.values()[0], scale.values()[0]};
  }
  CHECK(same_bits(states[0], states[1]));
  CHECK(same_bits(norms[0], norms[1]));
}

TEST_CASE("optimizer_step kernel: clip_scale is the norm of all gradients, and leaves its workspace ready") {
  if (!device_is_there()) return;
  Model model(kKernelSizes);
  DeviceArray<float> norm(1), scale(1);
  DeviceArray<unsigned char> workspace = clip_workspace(model.chunks);
  const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
  // 1e25: the squares leave f32's range, the norm does not.
  for (const float max : {1.0f, 1e-4f, 1e25f}) {
    CAPTURE(max);
    const double length = reference::norm(model.draw_gradients(7, max));
    for (const double limit : {0.25 * length, 4 * length, 0.0}) {
      in_one_launch([&] {
        kernels::clip_scale(slots.data(), model.count(), model.chunks, static_cast<float>(limit), norm.data(),
                            scale.data(), workspace.data(), nullptr);
      });
      CHECK_ARRAY(norm, std::vector<double>{length}, 1e-7);
      CHECK_ARRAY(scale, std::vector<double>{reference::clip_scale(length, limit)}, 2e-7);
    }
  }
}

TEST_CASE(
    "optimizer_step kernel: hundreds of small parameters, more than the last block of clip_scale has "
    "threads") {
  if (!device_is_there()) return;
  Model model(std::vector<std::size_t>(300, 2));
  run_adam(model, true, nullptr, 1, 1);
  const double length = reference::norm(model.draw_gradients(9));
  const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
  DeviceArray<float> norm(1), scale(1);
  DeviceArray<unsigned char> workspace = clip_workspace(model.chunks);
  kernels::clip_scale(slots.data(), model.count(), model.chunks, 1, norm.data(), scale.data(),
                      workspace.data(), nullptr);
  CHECK_ARRAY(norm, std::vector<double>{length}, 1e-7);
}

TEST_CASE("optimizer_step kernel: a NaN anywhere makes norm and scale NaN, infinity the scale 0") {
  if (!device_is_there()) return;
  Model model(kKernelSizes);
  DeviceArray<float> norm(1), scale(1);
  DeviceArray<unsigned char> workspace = clip_workspace(model.chunks);
  const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
  for (const std::size_t slot : {2u, 15u, 20u}) {  // one element; the second chunk's only element; inside
    for (const float value : {NAN, INFINITY, -INFINITY}) {
      model.draw_gradients(3);
      ModelParameter& p = model.parameters[slot];
      const std::size_t last = p.first.size() - 1;
      const bfloat16 narrow(value);
      copy(p.gradient.data() + last, &value, sizeof(value));
      copy(p.narrow_gradient.data() + last, &narrow, sizeof(narrow));
      kernels::clip_scale(slots.data(), model.count(), model.chunks, 1, norm.data(), scale.data(),
                          workspace.data(), nullptr);
      const bool is_nan = std::isnan(value);
      CHECK_ARRAY(norm, std::vector<double>{is_nan ? NAN : INFINITY}, 0);
      CHECK_ARRAY(scale, std::vector<double>{is_nan ? NAN : 0.0}, 0);
    }
  }
}

TEST_CASE(
    "optimizer_step kernel: with no parameters, or empty ones alone, nothing is done and the norm is 0") {
  if (!device_is_there()) return;
  for (const std::size_t count : {0u, 3u}) {
    Model model(std::vector<std::size_t>(count, 0));
    const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
    kernels::adam_step(slots.data(), model.count(), 0, kAdam, nullptr, nullptr);
    kernels::sgd_step(slots.data(), model.count(), 0, {0.9f, false, true}, nullptr, nullptr);
    DeviceArray<float> norm(1), scale(1);
    DeviceArray<unsigned char> workspace = clip_workspace(0);
    kernels::clip_scale(slots.data(), model.count(), 0, 1, norm.data(), scale.data(), workspace.data(),
                        nullptr);
    CHECK(norm.values()[0] == 0);
    CHECK(scale.values()[0] == 1);
  }
}
