// Code for each type that an activation may have.
#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

/// body.operator()<T>() with T the type of the activation x, float or bfloat16: with_type(x, [&]<typename T>() { ... }).
template <typename Body>
void with_type(const Tensor& x, Body&& body) {
  if (x.dtype() == DType::bf16) {
    body.template operator()<bfloat16>();
  } else {
    body.template operator()<float>();
  }
}

// An activation as loops on the CPU read and write it. Of a bf16 the number alone is written, not the object: GCC 12 vectorises no loop that
// assigns objects.
inline float load(float value) {
  return value;
}
inline float load(bfloat16 value) {
  return static_cast<float>(value);
}
inline void store(float value, float& place) {
  place = value;
}
inline void store(float value, bfloat16& place) {
  place.bits = bfloat16(value).bits;
}

}  // namespace tern
