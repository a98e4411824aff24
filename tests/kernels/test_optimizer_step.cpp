#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "kernels/optimizer_step.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;
using kernels::kOptimizerChunk;

namespace {

// Around a vector, a warp's vectors, a block's, one chunk and two; empty ones in front, between and behind.
constexpr std::size_t kSizes[] = {0,    0,    1,    3,    4,    5, 31, 127,  128, 129,  1023,
                                  1024, 1027, 4095, 4096, 4097, 0, 0,  8195, 0,   2048, 0};

/// A parameter on the device, of which every fourth is aligned throughout and each other has one array that
/// is not. Every second has a bfloat16 gradient; every third none of a bfloat16 copy.
struct Parameter {
  Parameter(std::size_t size, std::size_t index)
      : half_gradient(index % 2 == 1),
        parameter(uniform<float>(size, -1, 1, 10 + index), index % 4 == 1 ? 1 : 0),
        gradient(size, index % 4 == 2 ? 1 : 0),
        narrow_gradient(size, index % 4 == 2 ? 1 : 0),
        first(size, index % 4 == 3 ? 1 : 0),
        second(size),
        copy(size, index % 8 == 7 ? 3 : 0),
        has_copy(index % 3 != 0) {}

  bool half_gradient;
  DeviceArray<float> parameter, gradient;
  DeviceArray<bfloat16> narrow_gradient;
  DeviceArray<float> first, second;
  DeviceArray<bfloat16> copy;
  bool has_copy;
  kernels::OptimizerSlotView view{};  ///< with the numbers of the coming step
};

/// The parameters of a model, their table of slots, and the number of launches that the kernels took.
struct Model {
  std::deque<Parameter> parameters;
  std::int64_t chunks = 0;

  template <typename Sizes>
  explicit Model(const Sizes& sizes) {
    for (const std::size_t size : sizes) {
      Parameter& p = parameters.emplace_back(size, parameters.size());
      const auto elements = static_cast<std::int64_t>(size);
      p.view = {.parameter = p.parameter.data(),
                .gradient =
                    p.half_gradient ? static_cast<const void*>(p.narrow_gradient.data()) : p.gradient.data(),
                .first_moment = p.first.data(),
                .second_moment = p.second.data(),
                .half_copy = p.has_copy ? p.copy.data() : nullptr,
                .elements = elements,
                .first_chunk = chunks,
                .half_gradient = p.half_gradient,
                .rate = 0,
                .inverse_root = 0,
                .coupled_decay = 0,
                .kept = 1};
      chunks += (elements + kOptimizerChunk - 1) / kOptimizerChunk;
    }
  }

  int count() const { return static_cast<int>(parameters.size()); }
  std::vector<kernels::OptimizerSlotView> table() const {
    std::vector<kernels::OptimizerSlotView> views;
    for (const Parameter& p : parameters) views.push_back(p.view);
    return views;
  }
  void clear_moments() {
    for (Parameter& p : parameters) {
      const std::vector<float> zeros(p.first.size());
      copy(p.first.data(), zeros.data(), zeros.size() * sizeof(float));
      copy(p.second.data(), zeros.data(), zeros.size() * sizeof(float));
    }
  }
  /// New gradients; returned as the kernels read them.
  std::vector<std::vector<double>> draw_gradients(std::uint64_t seed, float most = 1) {
    std::vector<std::vector<double>> drawn;
    for (Parameter& p : parameters) {
      const std::vector<float> values = uniform<float>(p.first.size(), -most, most, seed + drawn.size());
      const std::vector<bfloat16> narrow(values.begin(), values.end());
      copy(p.gradient.data(), values.data(), values.size() * sizeof(float));
      copy(p.narrow_gradient.data(), narrow.data(), narrow.size() * sizeof(bfloat16));
      drawn.push_back(p.half_gradient ? widened(narrow) : widened(values));
    }
    return drawn;
  }
  /// Every bit that the kernels write.
  std::vector<float> state() const {
    std::vector<float> all;
    for (const Parameter& p : parameters) {
      for (const DeviceArray<float>* array : {&p.parameter, &p.first, &p.second}) {
        const std::vector<float> values = array->values();
        all.insert(all.end(), values.begin(), values.end());
      }
    }
    return all;
  }
};

/// Works, which should take one launch.
template <typename Work>
void in_one_launch(Work&& work) {
  const std::int64_t before = launch_count();
  work();
  if (is_emulated()) CHECK(launch_count() == before + 1);
}

/// A parameter's values in fp64.
struct Reference {
  std::vector<double> p, first, second;
};
std::vector<Reference> references(const Model& model) {
  std::vector<Reference> all;
  for (const Parameter& p : model.parameters) {
    const std::vector<double> zeros(p.first.size(), 0.0);
    all.push_back({widened(p.parameter.values()), zeros, zeros});
  }
  return all;
}

constexpr double kTolerance = 2e-6;  // several steps, each of several roundings

void check_against(const Model& model, const std::vector<Reference>& wanted, bool has_first,
                   bool has_second) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CAPTURE(i);
    const Parameter& p = model.parameters[i];
    CHECK_ARRAY(p.parameter, wanted[i].p, kTolerance);
    if (has_first) CHECK_ARRAY(p.first, wanted[i].first, kTolerance);
    if (has_second) CHECK_ARRAY(p.second, wanted[i].second, kTolerance);
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

void reference_adam(Reference& r, const std::vector<double>& gradient, double rate, double decay,
                    bool decoupled, int step) {
  for (std::size_t k = 0; k < gradient.size(); ++k) {
    double g = gradient[k];
    if (decoupled) {
      r.p[k] -= rate * decay * r.p[k];
    } else {
      g += decay * r.p[k];
    }
    r.first[k] = kBeta1 * r.first[k] + (1 - kBeta1) * g;
    r.second[k] = kBeta2 * r.second[k] + (1 - kBeta2) * g * g;
    const double m = r.first[k] / (1 - std::pow(kBeta1, step)),
                 v = r.second[k] / (1 - std::pow(kBeta2, step));
    r.p[k] -= rate * m / (std::sqrt(v) + 1e-8);
  }
}

/// `steps` steps of Adam on fresh gradients, each checked.
void run_adam(Model& model, bool decoupled, const float* scale, double factor, int steps) {
  model.clear_moments();
  std::vector<Reference> wanted = references(model);
  for (int step = 1; step <= steps; ++step) {
    std::vector<std::vector<double>> gradients = model.draw_gradients(static_cast<std::uint64_t>(100 * step));
    set_adam_step(model, step, decoupled);
    const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
    in_one_launch(
        [&] { kernels::adam_step(slots.data(), model.count(), model.chunks, kAdam, scale, nullptr); });
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      for (double& g : gradients[i]) g *= factor;
      reference_adam(wanted[i], gradients[i], learning_rate(i), decay(i), decoupled, step);
    }
    check_against(model, wanted, true, true);
  }
}

}  // namespace

TEST_CASE("optimizer_step: Adam and AdamW follow fp64 over steps, for every size, type and alignment") {
  if (!device_is_there()) return;
  const DeviceArray<float> half(std::vector<float>{0.5f});
  for (const bool decoupled : {false, true}) {
    CAPTURE(decoupled);
    Model model(kSizes);
    run_adam(model, decoupled, nullptr, 1, 3);
    Model scaled(kSizes);
    run_adam(scaled, decoupled, half.data(), 0.5, 2);
  }
}

TEST_CASE(
    "optimizer_step: SGD follows fp64 with and without momentum, and reads no buffer at its first step") {
  if (!device_is_there()) return;
  const DeviceArray<float> scale(std::vector<float>{0.75f});
  for (const float momentum : {0.0f, 0.875f}) {
    for (const bool nesterov : {false, true}) {
      CAPTURE(momentum);
      CAPTURE(nesterov);
      Model model(kSizes);  // its buffers are NaN
      std::vector<Reference> wanted = references(model);
      for (int step = 1; step <= 3; ++step) {
        const auto gradients = model.draw_gradients(static_cast<std::uint64_t>(100 * step));
        for (std::size_t i = 0; i < wanted.size(); ++i) {
          Reference& r = wanted[i];
          model.parameters[i].view.rate = static_cast<float>(learning_rate(i));
          model.parameters[i].view.coupled_decay = static_cast<float>(decay(i));
          if (momentum == 0) model.parameters[i].view.first_moment = nullptr;
          for (std::size_t k = 0; k < r.p.size(); ++k) {
            const double g = 0.75 * gradients[i][k] + decay(i) * r.p[k];
            const double m = static_cast<double>(momentum);
            r.first[k] = step == 1 ? g : m * r.first[k] + g;
            const double change = momentum == 0 ? g : nesterov ? g + m * r.first[k] : r.first[k];
            r.p[k] -= learning_rate(i) * change;
          }
        }
        const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
        const kernels::SgdConstants constants = {momentum, nesterov, step == 1};
        in_one_launch([&] {
          kernels::sgd_step(slots.data(), model.count(), model.chunks, constants, scale.data(), nullptr);
        });
        check_against(model, wanted, momentum != 0, false);
      }
      for (const Parameter& p : model.parameters) {  // what is not SGD's stays poisoned
        CHECK_ARRAY(p.second, std::vector<double>(p.second.size(), NAN), 0);
        if (momentum == 0) CHECK_ARRAY(p.first, std::vector<double>(p.first.size(), NAN), 0);
      }
    }
  }
}

TEST_CASE("optimizer_step: extreme gradients and NaN touch their own element alone") {
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

TEST_CASE("optimizer_step: two runs give the same bits") {
  if (!device_is_there()) return;
  std::vector<float> states[2], norms[2];
  for (int run = 0; run < 2; ++run) {
    Model model(kSizes);
    model.clear_moments();
    model.draw_gradients(5);
    set_adam_step(model, 1, true);
    const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
    DeviceArray<float> norm(1), scale(1);
    DeviceArray<unsigned char> workspace(
        std::vector<unsigned char>(kernels::clip_workspace_bytes(model.chunks)));
    kernels::clip_scale(slots.data(), model.count(), model.chunks, 1, norm.data(), scale.data(),
                        workspace.data(), nullptr);
    kernels::adam_step(slots.data(), model.count(), model.chunks, kAdam, scale.data(), nullptr);
    states[run] = model.state();
    norms[run] = {norm.values()[0], scale.values()[0]};
  }
  CHECK(same_bits(states[0], states[1]));
  CHECK(same_bits(norms[0], norms[1]));
}

TEST_CASE("optimizer_step: clip_scale is the norm of all gradients, and leaves its workspace ready") {
  if (!device_is_there()) return;
  Model model(kSizes);
  DeviceArray<float> norm(1), scale(1);
  DeviceArray<unsigned char> workspace(
      std::vector<unsigned char>(kernels::clip_workspace_bytes(model.chunks)));
  const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
  // 1e25: the squares leave f32's range, the norm does not.
  for (const float most : {1.0f, 1e-4f, 1e25f}) {
    CAPTURE(most);
    double sum = 0;
    for (const auto& gradient : model.draw_gradients(7, most)) {
      for (const double g : gradient) sum += g * g;
    }
    const double length = std::sqrt(sum);
    for (const double limit : {0.25 * length, 4 * length, 0.0}) {
      in_one_launch([&] {
        kernels::clip_scale(slots.data(), model.count(), model.chunks, static_cast<float>(limit), norm.data(),
                            scale.data(), workspace.data(), nullptr);
      });
      CHECK_ARRAY(norm, std::vector<double>{length}, 1e-7);
      CHECK_ARRAY(scale, std::vector<double>{std::min(1.0, limit / (length + 1e-6))}, 2e-7);
    }
  }
}

TEST_CASE(
    "optimizer_step: hundreds of small parameters, more than the last block of clip_scale has threads") {
  if (!device_is_there()) return;
  Model model(std::vector<std::size_t>(300, 2));
  run_adam(model, true, nullptr, 1, 1);
  double sum = 0;
  for (const auto& gradient : model.draw_gradients(9))
    sum += gradient[0] * gradient[0] + gradient[1] * gradient[1];
  const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
  DeviceArray<float> norm(1), scale(1);
  DeviceArray<unsigned char> workspace(
      std::vector<unsigned char>(kernels::clip_workspace_bytes(model.chunks)));
  kernels::clip_scale(slots.data(), model.count(), model.chunks, 1, norm.data(), scale.data(),
                      workspace.data(), nullptr);
  CHECK_ARRAY(norm, std::vector<double>{std::sqrt(sum)}, 1e-7);
}

TEST_CASE("optimizer_step: a NaN anywhere makes norm and scale NaN, infinity the scale 0") {
  if (!device_is_there()) return;
  Model model(kSizes);
  DeviceArray<float> norm(1), scale(1);
  DeviceArray<unsigned char> workspace(
      std::vector<unsigned char>(kernels::clip_workspace_bytes(model.chunks)));
  const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
  for (const std::size_t slot : {2u, 15u, 20u}) {  // one element; the second chunk's only element; inside
    for (const float value : {NAN, INFINITY, -INFINITY}) {
      model.draw_gradients(3);
      Parameter& p = model.parameters[slot];
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

TEST_CASE("optimizer_step: with no parameters, or empty ones alone, nothing is done and the norm is 0") {
  if (!device_is_there()) return;
  for (const std::size_t count : {0u, 3u}) {
    Model model(std::vector<std::size_t>(count, 0));
    const DeviceArray<kernels::OptimizerSlotView> slots(model.table());
    kernels::adam_step(slots.data(), model.count(), 0, kAdam, nullptr, nullptr);
    kernels::sgd_step(slots.data(), model.count(), 0, {0.9f, false, true}, nullptr, nullptr);
    DeviceArray<float> norm(1), scale(1);
    DeviceArray<unsigned char> workspace(std::vector<unsigned char>(kernels::clip_workspace_bytes(0)));
    kernels::clip_scale(slots.data(), model.count(), 0, 1, norm.data(), scale.data(), workspace.data(),
                        nullptr);
    CHECK(norm.values()[0] == 0);
    CHECK(scale.values()[0] == 1);
  }
}
