// Primitives of oneDNN that several threads may run at once: one's own memory for a call comes with the call. (By default it is the
// library's, and belongs to the thread that built the primitive.) For the sources of this folder.
#pragma once

#include <oneapi/dnnl/dnnl.hpp>
#include <span>

#include "engine/tensor/tensor.h"

namespace tern {

const dnnl::engine& onednn_engine();

/// An operand: which one (DNNL_ARG_...), its layout, and where it is.
struct OneDnnArgument {
  int index;
  dnnl::memory::desc layout;
  const Tensor& tensor;
};

class OneDnnPrimitive {
 public:
  OneDnnPrimitive() = default;

  /// What a description must be made with.
  static dnnl::primitive_attr attributes();
  template <typename Primitive>
  static OneDnnPrimitive of(const typename Primitive::primitive_desc& description) {
    return OneDnnPrimitive(Primitive(description), description.scratchpad_desc());
  }

  /// Runs it to its end. oneDNN's handles are not const: only outputs are written.
  void run(std::initializer_list<OneDnnArgument> arguments) const {
    run(std::span(arguments.begin(), arguments.end()));
  }
  void run(std::span<const OneDnnArgument> arguments) const;

 private:
  OneDnnPrimitive(dnnl::primitive primitive, dnnl::memory::desc scratchpad)
      : primitive_(std::move(primitive)), scratchpad_(std::move(scratchpad)) {}

  dnnl::primitive primitive_;
  dnnl::memory::desc scratchpad_;
};

/// DNNL_ARG_FROM in one layout to DNNL_ARG_TO in another.
OneDnnPrimitive onednn_reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

/// Memory for a tensor of that layout.
Tensor memory_of(const dnnl::memory::desc& layout);

}  // namespace tern
