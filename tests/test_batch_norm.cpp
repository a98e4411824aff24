// Batch normalisation: the op and its gradients on every device, then the kernels of the forward direction at
// every width, alignment and epilogue. Those of the backward direction: test_batch_norm_backward.cpp.
#include "engine/ops/batch_norm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/sum.h"
#include "tests/support/batch_norm_case.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using namespace tern::test;
using reference::Array;

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
  const Tensor mean = uniform({channels}, -1, 1, 5, device);
  const Tensor variance = uniform({channels}, 0.5, 2, 6, device);
  std::vector<Tensor> inputs{uniform(shape, -2, 3, 1, device), uniform({channels}, 0.5, 2, 2, device),
                             uniform({channels}, -1, 1, 3, device)};
  if (residual) inputs.push_back(uniform(shape, -1, 1, 4, device));
  check_gradients({.op =
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
                   // values per channel nothing but epsilon's share remains, and roundings weigh more.
                   .gradient_tolerance = array(inputs[0]).rows() == 2 ? 5e-3 : 1e-4});
}

}  // namespace

TEST_CASE("batch_norm: values and gradients, every fusion") {
  // Two values per channel (the least that training takes), channels around a vector, odd extents, a matrix.
  const Shape shapes[] = {{2, 1, 1, 1}, {1, 1, 2, 3}, {3, 2, 2, 8}, {2, 3, 5, 17}, {5, 7}, {4, 4, 4, 64}};
  for (const Device device : devices()) {
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
  const Tensor x = uniform({3, 2, 2, 17}, -2, 5, 1);
  BatchNormState state{Variable(Tensor::full({17}, 1)), Variable(Tensor::zeros({17})), Tensor::zeros({17}),
                       Tensor::full({17}, 1)};
  batch_norm(Variable(x), state, true);
  const reference::Statistics batch = reference::statistics(array(x));
  const Array zeros = array(Tensor::zeros({17})), ones = array(Tensor::full({17}, 1));
  CHECK_CLOSE(state.running_mean, reference::moving_average(zeros, batch.mean, 0.1), tolerance::kSum);
  CHECK_CLOSE(state.running_variance, reference::moving_average(ones, batch.unbiased_variance, 0.1),
              tolerance::kSum);

  const Tensor before = state.running_mean.clone();
  batch_norm(Variable(x), state, false);
  CHECK(same_bytes(state.running_mean, before));
}

TEST_CASE("batch_norm: a mean far from 0 costs no precision in the variance") {
  Tensor x = uniform({64, 4, 4, 8}, -1, 1, 1);
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
  CHECK_CLOSE(state.running_mean, reference::moving_average(zeros, batch.mean, 0.1), tolerance::kSum);
}

TEST_CASE("batch_norm: a constant channel gives beta and finite gradients") {
  const Variable x(Tensor::full({2, 2, 2, 1}, 3), true);
  BatchNormState state{Variable(Tensor::full({1}, 2), true), Variable(Tensor::full({1}, 0.5f), true),
                       Tensor::zeros({1}), Tensor::full({1}, 1)};
  const Variable y = batch_norm(x, state, true);
  CHECK_CLOSE(y.data(), array(Tensor::full({2, 2, 2, 1}, 0.5f)), tolerance::kElementwise);
  backward(y, uniform(y.shape(), -1, 1, 1));
  for (const float value : x.grad().to_vector<float>()) CHECK(std::isfinite(value));
}

TEST_CASE("batch_norm: NaN comes through, also through the ReLU") {
  Tensor x = uniform({2, 2, 2, 2}, -1, 1, 1);
  x.data<float>()[0] = NAN;
  BatchNormState state{Variable(Tensor::full({2}, 1)), Variable(Tensor::zeros({2})), Tensor::zeros({2}),
                       Tensor::full({2}, 1)};
  CHECK(std::isnan(batch_norm(Variable(x), state, false, {}, true).data().data<float>()[0]));
  CHECK(std::isnan(batch_norm(Variable(x), state, true, {}, true).data().data<float>()[0]));
}

TEST_CASE("batch_norm: PyTorch's results, running statistics after two steps") {
  const auto goldens = read_goldens("ops.txt");
  for (const std::string name : {"batch_norm_training", "batch_norm_training_relu",
                                 "batch_norm_training_add_relu", "batch_norm_evaluation_add_relu"}) {
    CAPTURE(name);
    const GoldenCase& golden = goldens.at(name);
    const bool training = name.find("training") != std::string::npos;
    const bool residual = name.find("add") != std::string::npos,
               relu = name.find("relu") != std::string::npos;
    BatchNormState state{Variable(golden.tensor("gamma"), true), Variable(golden.tensor("beta"), true),
                         golden.tensor("mean"), golden.tensor("variance")};
    batch_norm(Variable(golden.tensor("x0")), state, training);
    const Variable x(golden.tensor("x"), true);
    const Variable r = residual ? Variable(golden.tensor("r"), true) : Variable();
    const Variable y = batch_norm(x, state, training, r, relu);
    CHECK_CLOSE(y.data(), golden.array("y"), tolerance::kSum);
    CHECK_CLOSE(state.running_mean, golden.array("running_mean"), tolerance::kSum);
    CHECK_CLOSE(state.running_variance, golden.array("running_variance"), tolerance::kSum);
    backward(y, golden.tensor("dy"));
    CHECK_CLOSE(x.grad(), golden.array("dx"), tolerance::kGradient);
    CHECK_CLOSE(state.gamma.grad(), golden.array("dgamma"), tolerance::kGradient);
    CHECK_CLOSE(state.beta.grad(), golden.array("dbeta"), tolerance::kGradient);
    if (residual) CHECK_CLOSE(r.grad(), golden.array("dr"), tolerance::kElementwise);
  }
}

TEST_CASE("batch_norm: an empty batch moves nothing and has gradients of 0") {
  for (const Device device : devices()) {
    const auto full = [device](float value) { return Tensor::full({3}, value).to(device); };
    BatchNormState state{Variable(full(2), true), Variable(full(1), true), full(5), full(7)};
    const Variable x(Tensor::empty({0, 2, 2, 3}, DType::f32, device), true);
    const Variable y = batch_norm(x, state, true, {}, /*relu=*/true);
    backward(y, Tensor::empty(y.shape(), DType::f32, device));
    CHECK(state.running_mean.to_vector<float>() == full(5).to_vector<float>());
    CHECK(state.running_variance.to_vector<float>() == full(7).to_vector<float>());
    CHECK(state.gamma.grad().to_vector<float>() == full(0).to_vector<float>());
    CHECK(state.beta.grad().to_vector<float>() == full(0).to_vector<float>());
    CHECK(x.grad().shape() == x.shape());
  }
}

TEST_CASE("batch_norm: errors") {
  BatchNormState state{Variable(Tensor::full({3}, 1)), Variable(Tensor::zeros({3})), Tensor::zeros({3}),
                       Tensor::full({3}, 1)};
  CHECK_THROWS_WITH_AS(batch_norm(Variable(Tensor::zeros({1, 1, 1, 3})), state, true),
                       "batch_norm: wanted more than one value a channel in training, got [1, 1, 1, 3]",
                       Error);
  CHECK_NOTHROW(batch_norm(Variable(Tensor::zeros({1, 1, 1, 3})), state, false));
  CHECK(batch_norm(Variable(Tensor::zeros({0, 2, 2, 3})), state, false).shape() == Shape{0, 2, 2, 3});
  CHECK_THROWS_WITH_AS(batch_norm(Variable(Tensor::zeros({2, 4})), state, true),
                       "batch_norm: wanted gamma [4], got [3]", Error);
  CHECK_THROWS_WITH_AS(
      batch_norm(Variable(Tensor::zeros({2, 3})), state, true, Variable(Tensor::zeros({3, 3}))),
      "batch_norm: wanted residual [2, 3], got [3, 3]", Error);
}

namespace {

template <typename T>
void check_training(const BatchNormProblem<T>& problem, std::int64_t one_launch_rows) {
  CAPTURE(one_launch_rows);
  const reference::Statistics batch = problem.statistics();
  BatchNormArrays<T> run(problem), again(problem);
  const std::int64_t launches = launch_count();
  run.train(problem, run.y.data(), run.workspace, one_launch_rows);
  if (is_emulated()) CHECK(launch_count() - launches == (one_launch_rows > 0 ? 1 : 2));
  CHECK_ARRAY(run.y, problem.wanted(batch.mean, batch.biased_variance), 8 * unit<float>() + unit<T>());
  CHECK_ARRAY(run.mean, batch.mean, 6 * unit<float>());  // each of up to 20 merges rounds
  CHECK_ARRAY(run.inverse_std, reference::inverse_std(batch.biased_variance, double{problem.kEpsilon}),
              8 * unit<float>());
  const double momentum{problem.kMomentum};
  CHECK_ARRAY(run.running_mean,
              reference::moving_average(problem.of_channels(problem.running_mean), batch.mean, momentum),
              4 * unit<float>());
  CHECK_ARRAY(run.running_variance,
              reference::moving_average(problem.of_channels(problem.running_variance),
                                        batch.unbiased_variance, momentum),
              4 * unit<float>());
  CHECK(is_ready(run.workspace));

  again.train(problem, again.x.data(), again.workspace, one_launch_rows);  // y in place of x
  CHECK(same_bits(again.x, run.y));
  CHECK(same_bits(again.mean, run.mean));
  CHECK(same_bits(again.inverse_std, run.inverse_std));
}

template <typename T>
void check_inference(const BatchNormProblem<T>& problem) {
  BatchNormArrays<T> arrays(problem);
  const std::int64_t launches = launch_count();
  arrays.infer(problem, arrays.y.data());
  if (is_emulated()) CHECK(launch_count() - launches == 1);
  CHECK_ARRAY(arrays.y,
              problem.wanted(problem.of_channels(problem.running_mean),
                             problem.of_channels(problem.running_variance)),
              8 * unit<float>() + unit<T>());
  arrays.infer(problem, arrays.x.data());
  CHECK(same_bits(arrays.x, arrays.y));
}

/// Training's y by an fp32 problem of one channel.
std::vector<float> normalized(const std::vector<float>& x, std::vector<float>& running_variance,
                              std::vector<float>& mean) {
  BatchNormProblem<float> problem({static_cast<std::int64_t>(x.size()), 1}, 0, false, false);
  problem.x = x;
  problem.gamma = {1};
  problem.beta = {0};
  problem.running_variance = {0};
  BatchNormArrays<float> run(problem);
  run.train(problem, run.y.data());
  running_variance = run.running_variance.values();
  mean = run.mean.values();
  return run.y.values();
}

}  // namespace

TEST_CASE_TEMPLATE("batch_norm kernel: training at every width, alignment and epilogue", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const BatchNormSize size : kBatchNormSizes) {
    CAPTURE(size.rows);
    CAPTURE(size.channels);
    for (const std::int64_t one_launch_rows : kOneLaunchRows) {
      check_training<T>(BatchNormProblem<T>(size, 0, false, false), one_launch_rows);
      check_training<T>(BatchNormProblem<T>(size, 0, true, true), one_launch_rows);
      check_training<T>(BatchNormProblem<T>(size, 1, true, false), one_launch_rows);
    }
  }
  check_training<T>(BatchNormProblem<T>({5000, 33}, 1, false, true), 0);  // 78 slices
}

TEST_CASE_TEMPLATE("batch_norm kernel: inference at every width, alignment and epilogue", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  for (const BatchNormSize size : kBatchNormSizes) {
    CAPTURE(size.rows);
    CAPTURE(size.channels);
    check_inference<T>(BatchNormProblem<T>(size, 0, true, true));
    check_inference<T>(BatchNormProblem<T>(size, 1, false, true));
    check_inference<T>(BatchNormProblem<T>(size, 0, true, false));
  }
  check_inference<T>(BatchNormProblem<T>({1, 24}, 0, false, false));
}

TEST_CASE("batch_norm kernel: a mean far from 0 and an outlier in front cost no precision") {
  if (!device_is_there()) return;
  for (const bool outlier : {false, true}) {
    CAPTURE(outlier);
    std::vector<float> x = uniform<float>(5000, -1.7320508f, 1.7320508f, 7), variance, mean;  // deviation 1
    for (float& value : x) value += outlier ? 0.0f : 1e4f;
    if (outlier) x[0] = 1e4f;
    const reference::Statistics batch = reference::statistics(array({5000, 1}, x));
    const double wanted_mean = batch.mean[0], wanted_variance = batch.biased_variance[0];
    const std::vector<float> y = normalized(x, variance, mean);
    CHECK(variance[0] == doctest::Approx(0.1 * batch.unbiased_variance[0]).epsilon(1e-6));
    // Half a last place of the mean, which is 1 / 1024 at 1e4, or next to nothing beside the deviation.
    const double deviation = std::sqrt(wanted_variance);
    CHECK(std::fabs(mean[0] - wanted_mean) <= std::fabs(wanted_mean) * unit<float>() + 1e-5 * deviation);
    double error = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double wanted = (x[i] - wanted_mean) / std::sqrt(wanted_variance + 1e-5);
      error = std::max(error, std::fabs(y[i] - wanted));
    }
    CHECK(error < 6e-4);
  }
}

TEST_CASE("batch_norm kernel: extreme values, NaN and infinity stay in their channel") {
  if (!device_is_there()) return;
  BatchNormProblem<float> problem({700, 40}, 0, true, false);
  for (std::size_t i = 0; i < problem.x.size(); i += 40) {
    problem.x[i + 4] *= 1e17f;   // the sum of squares just fits
    problem.x[i + 5] *= 1e-18f;  // epsilon is all of the denominator
    problem.x[i + 6] = 3e38f;    // constant: deviations are 0, and their sum does not overflow
  }
  problem.x[40 * 500 + 1] = NAN;
  problem.x[40 * 600 + 2] = INFINITY;
  BatchNormArrays<float> run(problem);
  run.train(problem, run.y.data());
  std::vector<float> got = run.y.values();
  const reference::Statistics batch = problem.statistics();
  std::vector<double> wanted = problem.wanted(batch.mean, batch.biased_variance).values;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (i % 40 == 1 || i % 40 == 2) {
      CHECK(std::isnan(got[i]));
      got[i] = 0;
      wanted[i] = 0;
    }
    if (i % 40 == 6) wanted[i] = std::max(0.0, double{problem.beta[6]});
  }
  CHECK(relative_error(got, wanted) < 8 * unit<float>());
}

TEST_CASE("batch_norm kernel: one workspace serves calls of any shape; nothing to do writes nothing") {
  if (!device_is_there()) return;
  std::size_t bytes = kernels::sum_rows_workspace_bytes(5000, 33);
  for (const BatchNormSize size : kBatchNormSizes) {
    bytes = std::max(bytes, kernels::batch_norm_workspace_bytes(size.rows, size.channels));
  }
  DeviceArray<float> workspace(fresh_workspace(bytes));
  for (const BatchNormSize size : {kBatchNormSizes[6], kBatchNormSizes[7], kBatchNormSizes[10],
                                   kBatchNormSizes[6], BatchNormSize{0, 5}, BatchNormSize{5, 0}}) {
    const BatchNormProblem<float> problem(size, 0, false, false);
    BatchNormArrays<float> a(problem), b(problem);
    a.train(problem, a.y.data());
    b.train(problem, b.y.data(), workspace);
    CHECK(same_bits(a.y, b.y));
    CHECK(same_bits(a.running_variance, b.running_variance));
    CHECK(is_ready(workspace));
    if (size.rows == 0) {
      CHECK(a.running_mean.values() == problem.running_mean);
      CHECK(std::isnan(a.mean.values()[0]));  // as it was
    }
    DeviceArray<float> sum(size.width());
    kernels::sum_rows(b.x.data(), sum.data(), workspace.data(), size.rows, size.channels, nullptr);
    CHECK(is_ready(workspace));
  }
}
