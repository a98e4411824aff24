// A batch normalisation folded into the convolution before it: the op on every device, then the kernel at
// every width.
#include "engine/ops/fold_batch_norm.h"

#include <doctest/doctest.h>

#include "kernels/fold_batch_norm.h"
#include "tests/support/kernel_values.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;

TEST_CASE("fold_batch_norm: to the same bits on every device") {
  const Tensor w = uniform({7, 3, 3, 5}, -1, 1, 1), gamma = uniform({7}, -2, 2, 2),
               beta = uniform({7}, -1, 1, 3), mean = uniform({7}, -1, 1, 4), variance = uniform({7}, 0, 2, 5);
  const reference::FoldedBatchNorm wanted =
      reference::fold_batch_norm(array(w), array(gamma), array(beta), array(mean), array(variance), 1e-5);
  std::vector<Tensor> found, found_biases;
  for (const Device device : devices()) {
    Tensor folded = Tensor::empty(w.shape(), DType::f32, device),
           bias = Tensor::empty({7}, DType::f32, device);
    const BatchNormState norm{Variable(gamma.to(device)), Variable(beta.to(device)), mean.to(device),
                              variance.to(device)};
    fold_batch_norm(w.to(device), norm, folded, bias);
    CHECK_CLOSE(folded, wanted.w, tolerance::kElementwise);
    CHECK_CLOSE(bias, wanted.bias, tolerance::kElementwise);
    found.push_back(folded);
    found_biases.push_back(bias);
    CHECK(same_bytes(folded, found.front()));
    CHECK(same_bytes(bias, found_biases.front()));
  }
}

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
  const reference::FoldedBatchNorm wanted = reference::fold_batch_norm(
      array({size.channels, size.inner}, w), array({size.channels}, gamma), array({size.channels}, beta),
      array({size.channels}, mean), array({size.channels}, variance), double{kEpsilon});
  const DeviceArray<float> w_in(w), gamma_in(gamma), beta_in(beta), mean_in(mean), variance_in(variance);
  DeviceArray<T> folded(channels * inner);
  DeviceArray<float> bias(channels);
  const std::int64_t launches = launch_count();
  kernels::fold_batch_norm(w_in.data(), gamma_in.data(), beta_in.data(), mean_in.data(), variance_in.data(),
                           kEpsilon, folded.data(), bias.data(), size.channels, size.inner, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (size.channels == 0 ? 0 : 1));
  CHECK_ARRAY(folded, wanted.w, unit<T>());
  CHECK_ARRAY(bias, wanted.bias, unit<float>());
}

}  // namespace

TEST_CASE_TEMPLATE("fold_batch_norm kernel: every width", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Size size : kSizes) check<T>(size);
}

TEST_CASE("fold_batch_norm kernel: extremes stay finite where the result is") {
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

TEST_CASE("fold_batch_norm kernel: no variance, and NaN in its own channel") {
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
