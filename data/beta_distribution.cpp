// g / (g + h) of two Gamma(alpha) variables, which are drawn by Marsaglia and Tsang, "A Simple Method for Generating
// Gamma Variables" (2000). In logarithms: those of a small alpha are below the smallest number.
#include "data/beta_distribution.h"

#include <cmath>

namespace tern {
namespace {

/// The logarithm of a Gamma(shape, 1) variable. For a shape below 1 that of gamma(shape + 1) u^(1 / shape).
double draw_log_gamma(double shape, RandomStream& random) {
  const auto draw_u = [&random] { return 1.0 - static_cast<double>(random.uniform()); };  // in (0, 1]
  if (shape < 1) {
    const double u = draw_u();
    return draw_log_gamma(shape + 1, random) + std::log(u) / shape;
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  while (true) {
    const double x = static_cast<double>(random.normal()), root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(draw_u()) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

}  // namespace

double draw_beta(double alpha, RandomStream& random) {
  const double first = draw_log_gamma(alpha, random), second = draw_log_gamma(alpha, random);
  return 1 / (1 + std::exp(second - first));
}

}  // namespace tern
