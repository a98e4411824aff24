#include "kernels/fold_batch_norm.h"

#include <doctest/doctest.h>

#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Size {
  std::int64_t channels, inner;
};

// Nothing, one, a block's edges, a ResNet's stem and a wide layer.
constexpr Size kSizes[] = {{0, 9}, {3, 0}, {1, 1}, {5, 255}, {2, 256}, {3, 257}, {64, 147}, {2, 4608}};
constexpr float kEpsilon = 1e-5f;

template <typename T>
void check(Size size) {
  CAPTURE(size.channels);
  CAPTURE(size.inner);
  const auto channels = static_cast<std::size_t>(size.channels), inner = static_cast<std::size_t>(size.inner);
  const std::vector<float> w = uniform<float>(channels * inner, -1, 1, 1),
                           gamma = uniform<float>(channels, -2, 2, 2),
                           beta = uniform<float>(channels, -1, 1, 3),
                           mean = uniform<float>(channels, -3, 3, 4),
                           variance = uniform<float>(channels, 0, 2, 5);
  std::vector<double> folded_wanted(channels * inner), bias_wanted(channels);
  for (std::size_t k = 0; k < channels; ++k) {
    const double factor = double{gamma[k]} / std::sqrt(double{variance[k]} + double{kEpsilon});
    bias_wanted[k] = double{beta[k]} - double{mean[k]} * factor;
    for (std::size_t i = k * inner; i < (k + 1) * inner; ++i) folded_wanted[i] = double{w[i]} * factor;
  }
  const DeviceArray<float> w_in(w), gamma_in(gamma), beta_in(beta), mean_in(mean), variance_in(variance);
  DeviceArray<T> folded(channels * inner);
  DeviceArray<float> bias(channels);
  const std::int64_t launches = launch_count();
  kernels::fold_batch_norm(w_in.data(), gamma_in.data(), beta_in.data(), mean_in.data(), variance_in.data(),
                           kEpsilon, folded.data(), bias.data(), size.channels, size.inner, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (size.channels == 0 ? 0 : 1));
  CHECK_ARRAY(folded, folded_wanted, unit<T>());
  CHECK_ARRAY(bias, bias_wanted, unit<float>());
}

}  // namespace

TEST_CASE_TEMPLATE("fold_batch_norm: every width", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Size size : kSizes) check<T>(size);
}

TEST_CASE("fold_batch_norm: extremes stay finite where the result is") {
  if (!device_is_there()) return;
  const DeviceArray<float> w(std::vector<float>{1e30f, 1e-30f, 3e38f, 2}),
      gamma(std::vector<float>{1e-10f, 1e10f}), beta(std::vector<float>{1, -1}),
      mean(std::vector<float>{1e30f, 1e-30f}), variance(std::vector<float>{3e38f, 1e-30f});
  DeviceArray<float> folded(4), bias(2);
  kernels::fold_batch_norm(w.data(), gamma.data(), beta.data(), mean.data(), variance.data(), 0,
                           folded.data(), bias.data(), 2, 2, nullptr);
  const double small = 1e-10 / std::sqrt(3e38), large = 1e10 / std::sqrt(1e-30);
  CHECK(folded.values()[0] == doctest::Approx(1e30 * small));
  CHECK(folded.values()[1] == 0);  // 6e-60
  CHECK(folded.values()[2] == INFINITY);
  CHECK(folded.values()[3] == doctest::Approx(2 * large));
  CHECK(bias.values()[0] == doctest::Approx(1 - 1e30 * small));
  CHECK(bias.values()[1] == doctest::Approx(-1 - 1e-30 * large));
}

TEST_CASE("fold_batch_norm: no variance, and NaN in its own channel") {
  if (!device_is_there()) return;
  const DeviceArray<float> w(std::vector<float>{1, 2, 3, 4}), gamma(std::vector<float>{1, 1}),
      beta(std::vector<float>{0, NAN}), mean(std::vector<float>{1, 0}), variance(std::vector<float>{0, 1});
  DeviceArray<float> folded(4), bias(2);
  kernels::fold_batch_norm(w.data(), gamma.data(), beta.data(), mean.data(), variance.data(), 0.25f,
                           folded.data(), bias.data(), 2, 2, nullptr);
  const std::vector<float> weights = folded.values(), biases = bias.values();
  CHECK(weights[0] == 2);
  CHECK(weights[1] == 4);
  CHECK(biases[0] == -2);
  CHECK(std::isfinite(weights[3]));
  CHECK(std::isnan(biases[1]));
}
