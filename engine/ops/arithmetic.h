// Arithmetic on Variables, so that a loss can be written as its formula: mean(-targets * log(p)), 0.1f * kl +
// ce. All f32 or bf16, both operands of one type.
#pragma once

#include "engine/autograd/variable.h"

namespace tern {

// The operands have equal shapes; or one is a row [C] or a value [1] (or []), which meets the other's last
// axis, of extent C, or each of its values. The result has the larger one's shape. Throws Error for other
// shapes.
Variable add(const Variable& a, const Variable& b);  ///< a + b
Variable sub(const Variable& a, const Variable& b);  ///< a - b
Variable mul(const Variable& a, const Variable& b);  ///< a * b
Variable div(const Variable& a, const Variable& b);  ///< a / b; division by 0 gives infinity or NaN

Variable affine(const Variable& x, float factor, float offset);  ///< factor * x + offset
Variable exp(const Variable& x);                                 ///< e^x
Variable log(const Variable& x);  ///< natural; of 0 minus infinity, below 0 NaN

Variable sum(const Variable& x);   ///< of all values, [1] f32; 0 of none
Variable mean(const Variable& x);  ///< of all values, [1] f32. Throws Error if there are none

inline Variable operator+(const Variable& a, const Variable& b) {
  return add(a, b);
}
inline Variable operator-(const Variable& a, const Variable& b) {
  return sub(a, b);
}
inline Variable operator*(const Variable& a, const Variable& b) {
  return mul(a, b);
}
inline Variable operator/(const Variable& a, const Variable& b) {
  return div(a, b);
}

inline Variable operator+(const Variable& a, float b) {
  return affine(a, 1, b);
}
inline Variable operator+(float a, const Variable& b) {
  return affine(b, 1, a);
}
inline Variable operator-(const Variable& a, float b) {
  return affine(a, 1, -b);
}
inline Variable operator-(float a, const Variable& b) {
  return affine(b, -1, a);
}
inline Variable operator-(const Variable& x) {
  return affine(x, -1, 0);
}
inline Variable operator*(const Variable& a, float b) {
  return affine(a, b, 0);
}
inline Variable operator*(float a, const Variable& b) {
  return affine(b, a, 0);
}
inline Variable operator/(const Variable& a, float b) {
  return affine(a, 1 / b, 0);
}
Variable operator/(float a, const Variable& b);

}  // namespace tern
