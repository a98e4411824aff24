// Fitted novelty scores as named tensors, so that they can be kept in a file. A model names its fields once, in a
// function that takes either of these two:
//
//   void fields(auto& self, auto& state) { state("columns", self.columns_); state("mean", self.mean_, self.columns_); }
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/state_dict.h"

namespace tern {

inline constexpr std::int64_t kAnyCount = -1;

/// Adds each field as a tensor [count] (scalars: [1]) named prefix + name.
class NoveltyStateWriter {
 public:
  explicit NoveltyStateWriter(StateDict& tensors, std::string prefix = {})
      : tensors_(&tensors), prefix_(std::move(prefix)) {}

  NoveltyStateWriter inside(const std::string& name) const {
    return NoveltyStateWriter(*tensors_, prefix_ + name + ".");
  }

  template <typename T>
  void operator()(const std::string& name, const std::vector<T>& values, std::int64_t = kAnyCount) {
    tensors_->push_back(
        {prefix_ + name, Tensor::from(Shape{static_cast<std::int64_t>(values.size())}, values)});
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void operator()(const std::string& name, const T& value) { (*this)(name, std::vector<T>{value}); }

 private:
  StateDict* tensors_;
  std::string prefix_;
};

/// Sets each field. Throws Error{name, ...} for a tensor that is missing, of another type or count than wanted.
class NoveltyStateReader {
 public:
  explicit NoveltyStateReader(const StateDict& tensors, std::string prefix = {})
      : tensors_(&tensors), prefix_(std::move(prefix)) {}

  NoveltyStateReader inside(const std::string& name) const {
    return NoveltyStateReader(*tensors_, prefix_ + name + ".");
  }

  template <typename T>
  void operator()(const std::string& name, std::vector<T>& values, std::int64_t count = kAnyCount) {
    const Tensor* tensor = find(*tensors_, prefix_ + name);
    if (tensor == nullptr) throw Error(prefix_ + name, "a tensor of that name", "none");
    if (tensor->dtype() != dtype_of<T>) {
      throw Error(prefix_ + name, std::string("a tensor of ") + name_of(dtype_of<T>),
                  name_of(tensor->dtype()));
    }
    if (count != kAnyCount && tensor->numel() != count) {
      throw Error(prefix_ + name, std::to_string(count) + " numbers", std::to_string(tensor->numel()));
    }
    values = tensor->to_vector<T>();
    if constexpr (std::is_floating_point_v<T>) {
      for (const T value : values)
        if (!std::isfinite(value)) throw Error(prefix_ + name, "finite numbers", "others");
    }
  }
  template <typename T>
  requires std::is_arithmetic_v<T>
  void operator()(const std::string& name, T& value) {
    std::vector<T> one;
    (*this)(name, one, 1);
    value = one.front();
  }

 private:
  const StateDict* tensors_;
  std::string prefix_;
};

/// Throws Error{name, ...} unless low <= value <= high: sizes that a file gives, before anything is made of them.
inline void check_state(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value >= low && value <= high) return;
  throw Error(name, "a number in " + std::to_string(low) + ".." + std::to_string(high),
              std::to_string(value));
}

}  // namespace tern
