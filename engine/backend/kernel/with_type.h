// From a tensor's type to a kernel's.
#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

/// body.operator()<T>() with T the type of the activation x: with_type(x, [&]<typename T>() { ... }).
template <typename Body>
void with_type(const Tensor& x, Body&& body) {
  if (x.dtype() == DType::bf16) {
    body.template operator()<bfloat16>();
  } else {
    body.template operator()<float>();
  }
}

/// The elements, or null for null.
template <typename T>
T* data_or_null(Tensor* x) {
  return x != nullptr ? x->data<T>() : nullptr;
}
template <typename T>
const T* data_or_null(const Tensor* x) {
  return x != nullptr ? x->data<T>() : nullptr;
}

}  // namespace tern
