#include "engine/backend/cpu/onednn_primitive.h"

#include <cstdint>
#include <unordered_map>

namespace tern {

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::primitive_attr OneDnnPrimitive::attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

void OneDnnPrimitive::run(std::span<const OneDnnArgument> arguments) const {
  thread_local dnnl::stream stream(onednn_engine());
  const auto memory_at = [](const dnnl::memory::desc& layout, const Tensor& tensor) {
    return dnnl::memory(layout, onednn_engine(), const_cast<void*>(tensor.raw()));
  };
  std::unordered_map<int, dnnl::memory> memories;
  for (const OneDnnArgument& argument : arguments)
    memories.emplace(argument.index, memory_at(argument.layout, argument.tensor));
  const Tensor scratchpad = memory_of(scratchpad_);
  memories.emplace(DNNL_ARG_SCRATCHPAD, memory_at(scratchpad_, scratchpad));
  primitive_.execute(stream, memories);
  stream.wait();
}

OneDnnPrimitive onednn_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const dnnl::engine& engine = onednn_engine();
  return OneDnnPrimitive::of<dnnl::reorder>(
      dnnl::reorder::primitive_desc(engine, from, engine, to, OneDnnPrimitive::attributes()));
}

Tensor memory_of(const dnnl::memory::desc& layout) {
  return Tensor::empty({static_cast<std::int64_t>(layout.get_size())}, DType::u8);
}

}  // namespace tern
