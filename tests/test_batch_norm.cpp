#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/fold_batch_norm.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using reference::Array;
using test::array;

namespace {

constexpr double kEpsilon = 1e-5;

BatchNormState state_of(const Variable& gamma, const Variable& beta, const Tensor& mean,
                        const Tensor& variance) {
  return {gamma, beta, mean.clone(), variance.clone()};
}

// x, gamma, beta and perhaps a residual, through both the op and the definition.
void check_normalisation(const Shape& shape, bool training, bool residual, bool relu, Device device) {
  CAPTURE(shape.text());
  CAPTURE(training);
  CAPTURE(residual);
  CAPTURE(relu);
  const std::int64_t channels = shape[-1];
  const Tensor mean = test::uniform({channels}, -1, 1, 5, device);
  const Tensor variance = test::uniform({channels}, 0.5, 2, 6, device);
  std::vector<Tensor> inputs{test::uniform(shape, -2, 3, 1, device),
                             test::uniform({channels}, 0.5, 2, 2, device),
                             test::uniform({channels}, -1, 1, 3, device)};
  if (residual) inputs.push_back(test::uniform(shape, -1, 1, 4, device));
  test::check_gradients({.op =
                             [&](std::span<const Variable> in) {
                               BatchNormState state = state_of(in[1], in[2], mean, variance);
                               return batch_norm(in[0], state, training, residual ? in[3] : Variable(), relu);
                             },
                         .reference =
                             [&](std::span<const Array> in) {
                               const reference::Statistics batch = reference::statistics(in[0]);
                               Array y = reference::batch_norm(
                                   in[0], in[1], in[2], training ? batch.mean : array(mean),
                                   training ? batch.biased_variance : array(variance), kEpsilon);
                               if (residual) y = reference::add(y, in[3]);
                               return relu ? reference::relu(y) : y;
                             },
                         .inputs = inputs,
                         // dx is what remains when g's mean and its part along xhat are taken away. Of two
                         // values a channel nothing but epsilon's share remains, and roundings weigh more.
                         .gradient_tolerance = array(inputs[0]).rows() == 2 ? 5e-3 : 1e-4});
}

}  // namespace

TEST_CASE("batch_norm: values and gradients, every fusion") {
  // Two values a channel (the least that training takes), channels around a vector, odd extents, a matrix.
  const Shape shapes[] = {{2, 1, 1, 1}, {1, 1, 2, 3}, {3, 2, 2, 8}, {2, 3, 5, 17}, {5, 7}, {4, 4, 4, 64}};
  for (const Device device : test::devices()) {
    for (const Shape& shape : shapes) {
      for (const bool training : {true, false}) {
        for (const bool residual : {false, true}) {
          for (const bool relu : {false, true}) check_normalisation(shape, training, residual, relu, device);
        }
      }
    }
  }
}

TEST_CASE("batch_norm: running statistics move by momentum towards the unbiased variance") {
  const Tensor x = test::uniform({3, 2, 2, 17}, -2, 5, 1);
  BatchNormState state{Variable(Tensor::full({17}, 1)), Variable(Tensor::zeros({17})), Tensor::zeros({17}),
                       Tensor::full({17}, 1)};
  batch_norm(Variable(x), state, true);
  const reference::Statistics batch = reference::statistics(array(x));
  Array mean = batch.mean, variance = batch.unbiased_variance;
  for (double& value : mean.values) value *= 0.1;
  for (double& value : variance.values) value = 0.9 + 0.1 * value;
  CHECK_CLOSE(state.running_mean, mean, test::tolerance::kSum);
  CHECK_CLOSE(state.running_variance, variance, test::tolerance::kSum);

  const Tensor before = state.running_mean.clone();
  batch_norm(Variable(x), state, false);
  CHECK(test::same_bytes(state.running_mean, before));
}

TEST_CASE("batch_norm: a mean far from 0 costs no precision in the variance") {
  Tensor x = test::uniform({64, 4, 4, 8}, -1, 1, 1);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] += 1000;
  BatchNormState state{Variable(Tensor::full({8}, 1)), Variable(Tensor::zeros({8})), Tensor::zeros({8}),
                       Tensor::full({8}, 1)};
  const Tensor y = batch_norm(Variable(x), state, true).data();
  const reference::Statistics batch = reference::statistics(array(x));
  const Array ones = array(Tensor::full({8}, 1)), zeros = array(Tensor::zeros({8}));
  // x itself carries 1000 * 6e-8 of rounding, and the mean is stored as f32: hence 2e-4 of a deviation of
  // 0.6.
  CHECK_CLOSE(y, reference::batch_norm(array(x), ones, zeros, batch.mean, batch.biased_variance, kEpsilon),
              2e-4);
  CHECK_CLOSE(
      state.running_mean,
      [&] {
        Array mean = batch.mean;
        for (double& value : mean.values) value *= 0.1;
        return mean;
      }(),
      test::tolerance::kSum);
}

TEST_CASE("batch_norm: a constant channel gives beta and finite gradients") {
  const Variable x(Tensor::full({2, 2, 2, 1}, 3), true);
  BatchNormState state{Variable(Tensor::full({1}, 2), true), Variable(Tensor::full({1}, 0.5f), true),
                       Tensor::zeros({1}), Tensor::full({1}, 1)};
  const Variable y = batch_norm(x, state, true);
  CHECK_CLOSE(y.data(), array(Tensor::full({2, 2, 2, 1}, 0.5f)), test::tolerance::kElementwise);
  backward(y, test::uniform(y.shape(), -1, 1, 1));
  for (const float value : x.grad().to_vector<float>()) CHECK(std::isfinite(value));
}

TEST_CASE("batch_norm: NaN comes through, also through the ReLU") {
  Tensor x = test::uniform({2, 2, 2, 2}, -1, 1, 1);
  x.data<float>()[0] = NAN;
  BatchNormState state{Variable(Tensor::full({2}, 1)), Variable(Tensor::zeros({2})), Tensor::zeros({2}),
                       Tensor::full({2}, 1)};
  CHECK(std::isnan(batch_norm(Variable(x), state, false, {}, true).data().data<float>()[0]));
  CHECK(std::isnan(batch_norm(Variable(x), state, true, {}, true).data().data<float>()[0]));
}

TEST_CASE("batch_norm: PyTorch's results, running statistics after two steps") {
  const auto goldens = test::read_goldens("ops.txt");
  for (const std::string name : {"batch_norm_training", "batch_norm_training_relu",
                                 "batch_norm_training_add_relu", "batch_norm_evaluation_add_relu"}) {
    CAPTURE(name);
    const test::GoldenCase& golden = goldens.at(name);
    const bool training = name.find("training") != std::string::npos;
    const bool residual = name.find("add") != std::string::npos,
               relu = name.find("relu") != std::string::npos;
    BatchNormState state{Variable(golden.tensor("gamma"), true), Variable(golden.tensor("beta"), true),
                         golden.tensor("mean"), golden.tensor("variance")};
    batch_norm(Variable(golden.tensor("x0")), state, training);
    const Variable x(golden.tensor("x"), true);
    const Variable r = residual ? Variable(golden.tensor("r"), true) : Variable();
    const Variable y = batch_norm(x, state, training, r, relu);
    CHECK_CLOSE(y.data(), golden.array("y"), test::tolerance::kSum);
    CHECK_CLOSE(state.running_mean, golden.array("running_mean"), test::tolerance::kSum);
    CHECK_CLOSE(state.running_variance, golden.array("running_variance"), test::tolerance::kSum);
    backward(y, golden.tensor("dy"));
    CHECK_CLOSE(x.grad(), golden.array("dx"), test::tolerance::kGradient);
    CHECK_CLOSE(state.gamma.grad(), golden.array("dgamma"), test::tolerance::kGradient);
    CHECK_CLOSE(state.beta.grad(), golden.array("dbeta"), test::tolerance::kGradient);
    if (residual) CHECK_CLOSE(r.grad(), golden.array("dr"), test::tolerance::kElementwise);
  }
}

TEST_CASE("batch_norm: folded into the convolution before it, to the same bits on every device") {
  const Tensor w = test::uniform({7, 3, 3, 5}, -1, 1, 1), gamma = test::uniform({7}, -2, 2, 2),
               beta = test::uniform({7}, -1, 1, 3), mean = test::uniform({7}, -1, 1, 4),
               variance = test::uniform({7}, 0, 2, 5);
  reference::Array folded_wanted = test::array(w), bias_wanted = test::array(beta);
  for (std::int64_t k = 0; k < 7; ++k) {
    const double f = test::array(gamma)[k] / std::sqrt(test::array(variance)[k] + 1e-5);
    for (std::int64_t i = 45 * k; i < 45 * (k + 1); ++i) folded_wanted[i] *= f;
    bias_wanted[k] -= test::array(mean)[k] * f;
  }
  std::vector<Tensor> found, found_biases;
  for (const Device device : test::devices()) {
    Tensor folded = Tensor::empty(w.shape(), DType::f32, device),
           bias = Tensor::empty({7}, DType::f32, device);
    const BatchNormState norm{Variable(gamma.to(device)), Variable(beta.to(device)), mean.to(device),
                              variance.to(device)};
    fold_batch_norm(w.to(device), norm, folded, bias);
    CHECK_CLOSE(folded, folded_wanted, test::tolerance::kElementwise);
    CHECK_CLOSE(bias, bias_wanted, test::tolerance::kElementwise);
    found.push_back(folded);
    found_biases.push_back(bias);
    CHECK(test::same_bytes(folded, found.front()));
    CHECK(test::same_bytes(bias, found_biases.front()));
  }
}

TEST_CASE("batch_norm: errors") {
  BatchNormState state{Variable(Tensor::full({3}, 1)), Variable(Tensor::zeros({3})), Tensor::zeros({3}),
                       Tensor::full({3}, 1)};
  CHECK_THROWS_WITH_AS(batch_norm(Variable(Tensor::zeros({1, 1, 1, 3})), state, true),
                       "batch_norm: wanted more than one value a channel in training, got [1, 1, 1, 3]",
                       Error);
  CHECK_NOTHROW(batch_norm(Variable(Tensor::zeros({1, 1, 1, 3})), state, false));
  CHECK_THROWS_AS(batch_norm(Variable(Tensor::zeros({0, 2, 2, 3})), state, true), Error);
  CHECK(batch_norm(Variable(Tensor::zeros({0, 2, 2, 3})), state, false).shape() == Shape{0, 2, 2, 3});
  CHECK_THROWS_WITH_AS(batch_norm(Variable(Tensor::zeros({2, 4})), state, true),
                       "batch_norm: wanted gamma [4], got [3]", Error);
  CHECK_THROWS_WITH_AS(
      batch_norm(Variable(Tensor::zeros({2, 3})), state, true, Variable(Tensor::zeros({3, 3}))),
      "batch_norm: wanted residual [2, 3], got [3, 3]", Error);
}
