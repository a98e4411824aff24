// Weights and inputs from a formula that tests/goldens/formula.py computes too.
#pragma once

#include <cmath>

#include "data/random_purpose.h"
#include "engine/core/random.h"
#include "engine/io/state_dict.h"
#include "models/module.h"

namespace tern::test {

/// Uniform in [low, high) from stream (seed, test, a), row-major.
inline Tensor formula_uniform(std::uint64_t seed, std::uint32_t a, const Shape& shape, float low,
                              float high) {
  RandomStream random(seed, random_purpose::test, a);
  Tensor values = Tensor::empty(shape);
  float* value = values.data<float>();
  for (std::int64_t i = 0; i < values.numel(); ++i) value[i] = random.uniform(low, high);
  return values;
}

/// Sets every tensor of a module's state dict; the k-th one takes stream (seed, k), in the file's layout.
inline void fill_by_formula(const Module& module, std::uint64_t seed) {
  StateDict state = module.state_dict();
  for (std::uint32_t k = 0; k < state.size(); ++k) {
    Tensor& value = state[k].tensor;
    const std::string& name = state[k].name;
    if (name.ends_with("num_batches_tracked")) continue;
    float low = -0.25f, high = 0.25f;
    if (value.rank() == 0) {  // a cosine head's scale
      value.assign(Tensor::full(value.shape(), 30));
      continue;
    }
    if (value.rank() == 1) {
      const bool around_one = name.ends_with("running_var") || name.ends_with(".weight") || name == "weight";
      if (around_one) low = 0.5f, high = 1.5f;
    } else {
      high = static_cast<float>(std::sqrt(6.0 / static_cast<double>(value.numel() / value.size(0))));
      low = -high;
    }
    const Shape file_shape = to_file_layout(Tensor::empty(value.shape(), value.dtype())).shape();
    value.assign(to_memory_layout(formula_uniform(seed, k, file_shape, low, high)));
  }
}

}  // namespace tern::test
