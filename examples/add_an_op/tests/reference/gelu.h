// GELU and its derivative in double precision, from the definition.
#pragma once

#include <cmath>
#include <numbers>

namespace tern::reference {

inline double normal_distribution(double x) {
  return std::erfc(-x / std::numbers::sqrt2) / 2;
}
inline double gelu(double x) {
  return x * normal_distribution(x);
}
inline double gelu_derivative(double x) {
  return normal_distribution(x) + x * std::exp(-x * x / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

}  // namespace tern::reference
