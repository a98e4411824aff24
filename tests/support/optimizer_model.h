// The parameters of a model as the optimisers' kernels take them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "kernels/optimizer_step.h"
#include "tests/support/kernel_values.h"

namespace tern::test {

/// A parameter on the device, of which every fourth is aligned throughout and each other has one array that
/// is not. Every second has a bfloat16 gradient; every third none of a bfloat16 copy.
struct ModelParameter {
  ModelParameter(std::size_t size, std::size_t index)
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

/// As clip_scale wants it: zeroed.
inline DeviceArray<unsigned char> clip_workspace(std::int64_t chunks) {
  return DeviceArray<unsigned char>(std::vector<unsigned char>(kernels::clip_workspace_bytes(chunks)));
}

/// The parameters and their table of slots.
struct Model {
  std::deque<ModelParameter> parameters;
  std::int64_t chunks = 0;

  template <typename Sizes>
  explicit Model(const Sizes& sizes) {
    for (const std::size_t size : sizes) {
      ModelParameter& p = parameters.emplace_back(size, parameters.size());
      const auto elements = static_cast<std::int64_t>(size);
      p.view = {.parameter = p.parameter.data(),
                .gradient =
                    p.half_gradient ? static_cast<const void*>(p.narrow_gradient.data()) : p.gradient.data(),
                .first_moment = p.first.data(),
                .second_moment = p.second.data(),
                .bf16_copy = p.has_copy ? p.copy.data() : nullptr,
                .elements = elements,
                .first_chunk = chunks,
                .half_gradient = p.half_gradient,
                .rate = 0,
                .inverse_root = 0,
                .coupled_decay = 0,
                .kept = 1};
      chunks += (elements + kernels::kOptimizerChunk - 1) / kernels::kOptimizerChunk;
    }
  }

  int count() const { return static_cast<int>(parameters.size()); }
  std::vector<kernels::OptimizerSlotView> table() const {
    std::vector<kernels::OptimizerSlotView> views;
    for (const ModelParameter& p : parameters) views.push_back(p.view);
    return views;
  }
  void clear_moments() {
    for (ModelParameter& p : parameters) {
      const std::vector<float> zeros(p.first.size());
      copy(p.first.data(), zeros.data(), zeros.size() * sizeof(float));
      copy(p.second.data(), zeros.data(), zeros.size() * sizeof(float));
    }
  }
  /// New gradients; returned as the kernels read them.
  std::vector<reference::Array> draw_gradients(std::uint64_t seed, float max = 1) {
    std::vector<reference::Array> drawn;
    for (ModelParameter& p : parameters) {
      const std::vector<float> values = uniform<float>(p.first.size(), -max, max, seed + drawn.size());
      const std::vector<bfloat16> narrow(values.begin(), values.end());
      copy(p.gradient.data(), values.data(), values.size() * sizeof(float));
      copy(p.narrow_gradient.data(), narrow.data(), narrow.size() * sizeof(bfloat16));
      drawn.push_back(p.half_gradient ? array({p.view.elements}, narrow) : array({p.view.elements}, values));
    }
    return drawn;
  }
  /// The parameters as they are, moments 0.
  std::vector<reference::OptimizerState> references() const {
    std::vector<reference::OptimizerState> all;
    for (const ModelParameter& p : parameters)
      all.emplace_back(array({p.view.elements}, p.parameter.values()));
    return all;
  }
  /// Every bit that the kernels write.
  std::vector<float> state() const {
    std::vector<float> all;
    for (const ModelParameter& p : parameters) {
      for (const DeviceArray<float>* of : {&p.parameter, &p.first, &p.second}) {
        const std::vector<float> values = of->values();
        all.insert(all.end(), values.begin(), values.end());
      }
    }
    return all;
  }
};

}  // namespace tern::test
