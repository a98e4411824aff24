// Inputs of the kernels of batch normalisation.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/batch_norm.h"
#include "tests/support/kernel_values.h"

namespace tern::test {

/// Rows up to which one launch is taken: never, and always.
inline constexpr std::int64_t kOneLaunchRows[] = {0, 1 << 20};

struct BatchNormSize {
  std::int64_t rows, channels;
  std::size_t count() const { return static_cast<std::size_t>(rows * channels); }
  std::size_t width() const { return static_cast<std::size_t>(channels); }
};

// One channel and less than a vector; whole vectors and one more; tiles (32 or 64 channels) and their edges;
// as many rows as one slice and several; few rows and 2048 channels; more slices than the last block takes at
// once.
inline constexpr BatchNormSize kBatchNormSizes[] = {{2, 1},    {3, 3},    {7, 8},    {64, 32},
                                                    {65, 40},  {513, 7},  {300, 33}, {700, 72},
                                                    {4500, 1}, {4097, 8}, {3, 2048}, {260, 264}};

/// Zeros where they must be, NaN elsewhere.
inline std::vector<float> fresh_workspace(std::size_t bytes) {
  std::vector<float> values(bytes / sizeof(float), NAN);
  std::fill_n(values.begin(), 256, 0.0f);
  return values;
}
inline bool is_ready(const DeviceArray<float>& workspace) {
  const std::vector<float> values = workspace.values();
  return std::all_of(values.begin(), values.begin() + 256, [](float value) { return value == 0; });
}

/// One call's arguments. Parameters begin on 16 bytes where x does.
template <typename T>
struct BatchNormProblem {
  static constexpr float kEpsilon = 1e-5f, kMomentum = 0.1f;

  BatchNormSize size;
  std::size_t shift;
  bool relu, with_residual;
  std::vector<T> x, residual;
  std::vector<float> gamma, beta, running_mean, running_variance;

  BatchNormProblem(BatchNormSize shape, std::size_t misalignment, bool with_relu, bool add)
      : size(shape),
        shift(misalignment),
        relu(with_relu),
        with_residual(add),
        x(uniform<T>(shape.count(), -1, 3, 1)),
        residual(uniform<T>(shape.count(), -2, 2, 2)),
        gamma(uniform<float>(shape.width(), -2, 2, 3)),
        beta(uniform<float>(shape.width(), -1, 1, 4)),
        running_mean(uniform<float>(shape.width(), -1, 1, 5)),
        running_variance(uniform<float>(shape.width(), 0.5f, 2, 6)) {}

  reference::Array of_rows(const std::vector<T>& values) const {
    return array({size.rows, size.channels}, values);
  }
  reference::Array of_channels(const std::vector<float>& values) const {
    return array({size.channels}, values);
  }
  reference::Statistics statistics() const { return reference::statistics(of_rows(x)); }
  reference::Array wanted(const reference::Array& mean, const reference::Array& variance) const {
    reference::Array y = reference::batch_norm(of_rows(x), of_channels(gamma), of_channels(beta), mean,
                                               variance, double{kEpsilon});
    if (with_residual) y = reference::add(y, of_rows(residual));
    return relu ? reference::relu(y) : y;
  }
};

/// The same on the device.
template <typename T>
struct BatchNormArrays {
  DeviceArray<T> x, residual, y;
  DeviceArray<float> gamma, beta, running_mean, running_variance, mean, inverse_std, workspace;

  explicit BatchNormArrays(const BatchNormProblem<T>& problem)
      : x(problem.x, problem.shift),
        residual(problem.residual, problem.shift),
        y(problem.x.size(), problem.shift),
        gamma(problem.gamma, problem.shift),
        beta(problem.beta),
        running_mean(problem.running_mean),
        running_variance(problem.running_variance),
        mean(problem.gamma.size()),
        inverse_std(problem.gamma.size()),
        workspace(
            fresh_workspace(kernels::batch_norm_workspace_bytes(problem.size.rows, problem.size.channels))) {}

  void train(const BatchNormProblem<T>& problem, T* to) { train(problem, to, workspace); }
  void train(const BatchNormProblem<T>& problem, T* to, DeviceArray<float>& shared,
             std::int64_t one_launch_rows = kernels::kBatchNormOneLaunchRows) {
    kernels::batch_norm_training(x.data(), gamma.data(), beta.data(),
                                 problem.with_residual ? residual.data() : nullptr, problem.relu,
                                 problem.kEpsilon, problem.kMomentum, running_mean.data(),
                                 running_variance.data(), mean.data(), inverse_std.data(), to, shared.data(),
                                 problem.size.rows, problem.size.channels, nullptr, one_launch_rows);
  }
  void infer(const BatchNormProblem<T>& problem, T* to) {
    kernels::batch_norm_inference(x.data(), gamma.data(), beta.data(),
                                  problem.with_residual ? residual.data() : nullptr, problem.relu,
                                  problem.kEpsilon, running_mean.data(), running_variance.data(), to,
                                  problem.size.rows, problem.size.channels, nullptr);
  }
};

}  // namespace tern::test
