#include "tests/reference/reference.h"

#include <algorithm>
#include <cmath>

namespace tern::reference {

OptimizerState::OptimizerState(const Array& parameter)
    : p(parameter), m(parameter.shape), v(parameter.shape) {}

void adam_step(OptimizerState& state, const Array& gradient, double rate, double decay, bool decoupled,
               std::int64_t step) {
  constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;
  const double t = static_cast<double>(step);
  auto& [p, m, v] = state;
  for (std::int64_t i = 0; i < p.size(); ++i) {
    const double g = gradient[i] + (decoupled ? 0 : decay * p[i]);
    if (decoupled) p[i] -= rate * decay * p[i];
    m[i] = kBeta1 * m[i] + (1 - kBeta1) * g;
    v[i] = kBeta2 * v[i] + (1 - kBeta2) * g * g;
    const double mean = m[i] / (1 - std::pow(kBeta1, t)), square = v[i] / (1 - std::pow(kBeta2, t));
    p[i] -= rate * mean / (std::sqrt(square) + kEpsilon);
  }
}

void sgd_step(OptimizerState& state, const Array& gradient, double rate, double decay, double momentum,
              bool nesterov, bool first_step) {
  Array &p = state.p, &buffer = state.m;
  for (std::int64_t i = 0; i < p.size(); ++i) {
    const double g = gradient[i] + decay * p[i];
    buffer[i] = first_step ? g : momentum * buffer[i] + g;
    p[i] -= rate * (momentum == 0 ? g : nesterov ? g + momentum * buffer[i] : buffer[i]);
  }
}

double norm(const std::vector<Array>& gradients) {
  double squares = 0;
  for (const Array& gradient : gradients) {
    for (const double value : gradient.values) squares += value * value;
  }
  return std::sqrt(squares);
}

double clip_scale(double norm, double max_norm) {
  return std::min(1.0, max_norm / (norm + 1e-6));
}

}  // namespace tern::reference
