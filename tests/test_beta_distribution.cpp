#include "data/beta_distribution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "data/random_purpose.h"

using namespace tern;

namespace {

/// The largest distance between the drawn numbers' distribution and `cdf`, times the root of their number.
template <typename Cdf>
double kolmogorov(std::vector<double> drawn, Cdf&& cdf) {
  std::sort(drawn.begin(), drawn.end());
  double distance = 0;
  const auto count = static_cast<double>(drawn.size());
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const double below = static_cast<double>(i) / count, wanted = cdf(drawn[i]);
    distance = std::max({distance, std::abs(wanted - below), std::abs(wanted - below - 1 / count)});
  }
  return distance * std::sqrt(count);
}

std::vector<double> beta_numbers(double alpha, int count) {
  RandomStream random(4, random_purpose::test);
  std::vector<double> drawn;
  for (int i = 0; i < count; ++i) drawn.push_back(draw_beta(alpha, random));
  return drawn;
}

}  // namespace

TEST_CASE(
    "beta_distribution: the distributions with a closed form, and an alpha so small that the numbers are 0 "
    "or 1") {
  const auto arcsine = [](double x) { return 2 / std::numbers::pi * std::asin(std::sqrt(x)); };
  const auto uniform = [](double x) { return x; };
  const auto smooth = [](double x) { return x * x * (3 - 2 * x); };
  // 1.95 is exceeded once in a thousand.
  CHECK(kolmogorov(beta_numbers(0.5, 20000), arcsine) < 1.95);
  CHECK(kolmogorov(beta_numbers(1, 20000), uniform) < 1.95);
  CHECK(kolmogorov(beta_numbers(2, 20000), smooth) < 1.95);
  CHECK(kolmogorov(beta_numbers(1, 20000), arcsine) > 5);
  const std::vector<double> extreme = beta_numbers(1e-4, 4000);
  const auto ones = std::count_if(extreme.begin(), extreme.end(), [](double x) { return x > 0.999; });
  const auto zeros = std::count_if(extreme.begin(), extreme.end(), [](double x) { return x < 0.001; });
  CHECK(ones + zeros > 3980);
  CHECK(std::abs(ones - 2000) < 160);
}
