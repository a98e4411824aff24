#include "models/module.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "engine/core/check.h"
#include "models/weight_names.h"

namespace tern {
namespace {

constexpr std::size_t kNamesInMessage = 2;

class ParameterCollector : public StateVisitor {
 public:
  void parameter(const std::string& name, const Variable& value, ParameterKind kind) override {
    entries.push_back({name, value, kind});
  }
  void buffer(const std::string&, const Tensor&) override {}

  std::vector<ParameterEntry> entries;
};

/// The state as a file has it: scales are scalars there.
class StateCollector : public StateVisitor {
 public:
  void parameter(const std::string& name, const Variable& value, ParameterKind kind) override {
    const bool scalar = kind == ParameterKind::scale && value.data().numel() == 1;
    state.push_back({name, scalar ? value.data().reshape(Shape{}) : value.data()});
  }
  void buffer(const std::string& name, const Tensor& value) override { state.push_back({name, value}); }

  StateDict state;
};

bool starts_with_any(std::string_view name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [name](const std::string& prefix) { return name.starts_with(prefix); });
}

/// [out, height, width, in] as a file has it, [out, in, height, width].
std::string file_shape_text(const Shape& shape) {
  if (shape.rank() != 4) return shape.text();
  return Shape{shape[0], shape[3], shape[1], shape[2]}.text();
}

/// The first few, and how many more there are.
std::string some_of(const std::vector<std::string>& names) {
  std::string text;
  const std::size_t shown = std::min(names.size(), kNamesInMessage);
  for (std::size_t i = 0; i < shown; ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

/// One kind of misfit: its name and what it was found in.
struct Misfits {
  const char* kind;
  std::vector<std::string> found{};

  void append_to(std::string& message) const {
    if (found.empty()) return;
    message += message.empty() ? "" : "; ";
    message += std::to_string(found.size()) + " " + kind + ": " + some_of(found);
  }
};

/// The value of a counter that was stored as a number of another type, as trainers do that cast all of a
/// state dict. A float may have run over, or to NaN: 0 then, a counter's first value.
std::int64_t counter_value(const Tensor& value) {
  const auto number = [&]<typename Number>(Number) { return *static_cast<const Number*>(value.raw()); };
  switch (value.dtype()) {
    case DType::f32: {
      const float real = number(float{});
      return std::abs(real) < 0x1p63f ? static_cast<std::int64_t>(real) : 0;  // false for NaN
    }
    case DType::boolean:
    case DType::u8:
      return number(std::uint8_t{});
    case DType::i8:
      return number(std::int8_t{});
    case DType::i16:
      return number(std::int16_t{});
    case DType::u16:
      return number(std::uint16_t{});
    case DType::i32:
      return number(std::int32_t{});
    case DType::u32:
      return number(std::uint32_t{});
    default:
      return number(std::int64_t{});
  }
}

bool is_number(DType dtype) {
  return dtype == DType::f32 || !(is_floating(dtype) || is_complex(dtype));
}

/// `value` in the type of the counter `name`; other tensors as they are.
Tensor with_counter_type(const std::string& name, const Tensor& value) {
  if (!is_batch_counter(name) || value.numel() != 1 || value.dtype() == DType::i64 ||
      !is_number(value.dtype()))
    return value;
  return Tensor::from(value.shape(), std::vector<std::int64_t>{counter_value(value)});
}

/// "bn1.running_var (-0.5 of channel 0, 3 of 64 negative)", naming the first few; empty if there is none.
std::string negative_variance_text(const StateDict& tensors) {
  std::vector<std::string> found;
  for (const NamedTensor& entry : tensors) {
    if (!entry.name.ends_with("running_var")) continue;
    const std::vector<float> values = entry.tensor.to_vector<float>();
    const auto is_negative = [](float value) { return value < 0; };
    const auto first = std::find_if(values.begin(), values.end(), is_negative);
    if (first == values.end()) continue;
    char text[128];
    std::snprintf(text, sizeof text, " (%g of channel %td, %td of %zu negative)", static_cast<double>(*first),
                  first - values.begin(), std::count_if(first, values.end(), is_negative), values.size());
    found.push_back(entry.name + text);
  }
  return found.empty() ? std::string() : some_of(found);
}

}  // namespace

std::vector<ParameterEntry> Module::parameters(const std::string& prefix) const {
  ParameterCollector collector;
  visit(prefix, collector);
  return std::move(collector.entries);
}

StateDict Module::state_dict(const std::string& prefix) const {
  StateCollector collector;
  visit(prefix, collector);
  return std::move(collector.state);
}

void Module::set_requires_grad(bool requires_grad) const {
  for (ParameterEntry& entry : parameters()) entry.value.set_requires_grad(requires_grad);
}

void load_state_dict(const Module& module, const StateDict& tensors, const std::string& source,
                     const LoadOptions& options) {
  StateDict state = module.state_dict(options.prefix);
  Misfits missing{"missing"}, extra{"extra"}, misshapen{"of another shape"}, mistyped{"of another type"},
      repeated{"named twice"};

  std::unordered_map<std::string_view, Tensor> given;
  for (const NamedTensor& entry : tensors) {
    const Tensor value = with_counter_type(entry.name, entry.tensor);
    if (!given.emplace(entry.name, value).second) repeated.found.push_back(entry.name);
  }
  std::unordered_set<std::string_view> wanted;
  std::vector<const Tensor*> sources;  // of state[i], or null
  for (const NamedTensor& entry : state) {
    wanted.insert(entry.name);
    const auto found = given.find(entry.name);
    sources.push_back(found == given.end() ? nullptr : &found->second);
    if (sources.back() == nullptr) {
      if (!is_batch_counter(entry.name)) missing.found.push_back(entry.name);
      continue;
    }
    const Tensor& value = *sources.back();
    const bool scalars = entry.tensor.rank() == 0 && value.numel() == 1;
    if (value.dtype() != entry.tensor.dtype()) {
      mistyped.found.push_back(entry.name + " (wanted " + name_of(entry.tensor.dtype()) + ", got " +
                               name_of(value.dtype()) + ")");
    } else if (!(value.shape() == entry.tensor.shape()) && !scalars) {
      misshapen.found.push_back(entry.name + " (wanted " + file_shape_text(entry.tensor.shape()) + ", got " +
                                file_shape_text(value.shape()) + ")");
    }
  }
  for (const NamedTensor& entry : tensors) {
    if (wanted.contains(entry.name) || starts_with_any(entry.name, options.ignored_prefixes)) continue;
    extra.found.push_back(entry.name);
  }

  std::string message;
  for (const Misfits* misfits : {&missing, &extra, &misshapen, &mistyped, &repeated}) {
    misfits->append_to(message);
  }
  if (!message.empty()) throw Error(source, "tensors do not fit the model: " + message);
  StateDict used;
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (sources[i] != nullptr) used.push_back({state[i].name, *sources[i]});
  }
  const std::string non_finite = non_finite_text(used);
  if (!non_finite.empty()) throw Error(source, "finite numbers", non_finite);
  const std::string negative = negative_variance_text(used);
  if (!negative.empty()) throw Error(source, "variances >= 0", negative);
  for (std::size_t i = 0; i < state.size(); ++i) {
    if (sources[i] != nullptr) state[i].tensor.assign(sources[i]->reshape(state[i].tensor.shape()));
  }
  for (ParameterEntry& entry : module.parameters()) {
    if (entry.value.bf16_copy().defined()) entry.value.refresh_bf16_copy();
  }
}

void load_state_dict(const Module& module, const std::filesystem::path& path, const LoadOptions& options) {
  load_state_dict(module, load_weights(path), path.string(), options);
}

std::string non_finite_text(const StateDict& tensors) {
  std::vector<std::string> found;
  for (const NamedTensor& entry : tensors) {
    const std::int64_t count = count_non_finite(entry.tensor.to(Device::cpu()));
    if (count == 0) continue;
    found.push_back(entry.name + " (" + std::to_string(count) + " of " +
                    std::to_string(entry.tensor.numel()) + ")");
  }
  if (found.empty()) return {};
  return "NaN or infinity in " + std::to_string(found.size()) +
         (found.size() == 1 ? " tensor: " : " tensors: ") + some_of(found);
}

void keep_bf16_weights(const Module& module) {
  for (ParameterEntry& entry : module.parameters()) {
    if (entry.kind == ParameterKind::weight && entry.value.data().rank() == 4)
      entry.value.refresh_bf16_copy();
  }
}

std::int64_t parameter_count(const Module& module) {
  std::int64_t count = 0;
  for (const ParameterEntry& entry : module.parameters()) count += entry.value.data().numel();
  return count;
}

}  // namespace tern
