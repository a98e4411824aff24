#include "kernels/batch_norm.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "kernels/sum.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Size {
  std::int64_t rows, channels;
  std::size_t count() const { return static_cast<std::size_t>(rows * channels); }
  std::size_t width() const { return static_cast<std::size_t>(channels); }
};

// One channel and less than a vector; whole vectors and one more; tiles (32 or 64 channels) and their edges;
// as many rows as one slice and several; few rows and 2048 channels; more slices than the last block takes at
// once.
constexpr Size kSizes[] = {{2, 1},    {3, 3},    {7, 8},    {64, 32},  {65, 40},  {513, 7},
                           {300, 33}, {700, 72}, {4500, 1}, {4097, 8}, {3, 2048}, {260, 264}};

/// Zeros where they must be, NaN elsewhere.
std::vector<float> fresh_workspace(std::size_t bytes) {
  std::vector<float> values(bytes / sizeof(float), NAN);
  std::fill_n(values.begin(), 256, 0.0f);
  return values;
}
bool is_ready(const DeviceArray<float>& workspace) {
  const std::vector<float> values = workspace.values();
  return std::all_of(values.begin(), values.begin() + 256, [](float value) { return value == 0; });
}

struct Moments {
  std::vector<double> mean, variance;
};

Moments moments_of(const std::vector<double>& x, Size size) {
  Moments result{std::vector<double>(size.width(), 0), std::vector<double>(size.width(), 0)};
  const auto rows = static_cast<double>(size.rows);
  for (std::size_t i = 0; i < x.size(); ++i) result.mean[i % size.width()] += x[i] / rows;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double apart = x[i] - result.mean[i % size.width()];
    result.variance[i % size.width()] += apart * apart / rows;
  }
  return result;
}

constexpr float kEpsilon = 1e-5f, kMomentum = 0.1f;

/// One call's arguments. Parameters begin on 16 bytes where x does.
template <typename T>
struct Problem {
  Size size;
  std::size_t shift;
  bool relu, with_residual;
  std::vector<T> x, residual;
  std::vector<float> gamma, beta, running_mean, running_variance;

  Problem(Size shape, std::size_t misalignment, bool with_relu, bool add)
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

  std::vector<double> wanted(const std::vector<double>& mean, const std::vector<double>& variance) const {
    std::vector<double> y = widened(x);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t c = i % size.width();
      y[i] = (y[i] - mean[c]) / std::sqrt(variance[c] + double{kEpsilon}) * gamma[c] + beta[c];
      if (with_residual) y[i] += static_cast<double>(static_cast<float>(residual[i]));
      if (relu && y[i] < 0) y[i] = 0;
    }
    return y;
  }
};

template <typename T>
struct Training {
  DeviceArray<T> x, residual, y;
  DeviceArray<float> gamma, beta, running_mean, running_variance, mean, inverse_std, workspace;

  explicit Training(const Problem<T>& problem)
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

  void run(const Problem<T>& problem, T* to) {
    kernels::batch_norm_training(
        x.data(), gamma.data(), beta.data(), problem.with_residual ? residual.data() : nullptr, problem.relu,
        kEpsilon, kMomentum, running_mean.data(), running_variance.data(), mean.data(), inverse_std.data(),
        to, workspace.data(), problem.size.rows, problem.size.channels, nullptr);
  }
};

template <typename T>
void check_training(const Problem<T>& problem) {
  const Moments moments = moments_of(widened(problem.x), problem.size);
  Training<T> run(problem), again(problem);
  const std::int64_t launches = launch_count();
  run.run(problem, run.y.data());
  if (is_emulated()) CHECK(launch_count() - launches == 2);
  CHECK_ARRAY(run.y, problem.wanted(moments.mean, moments.variance), 8 * unit<float>() + unit<T>());
  CHECK_ARRAY(run.mean, moments.mean, 4 * unit<float>());
  std::vector<double> inverse = moments.variance, running_mean = widened(problem.running_mean),
                      running_variance = widened(problem.running_variance);
  const auto rows = static_cast<double>(problem.size.rows);
  for (std::size_t c = 0; c < inverse.size(); ++c) {
    inverse[c] = 1 / std::sqrt(moments.variance[c] + double{kEpsilon});
    running_mean[c] += double{kMomentum} * (moments.mean[c] - running_mean[c]);
    running_variance[c] +=
        double{kMomentum} * (moments.variance[c] * rows / (rows - 1) - running_variance[c]);
  }
  CHECK_ARRAY(run.inverse_std, inverse, 8 * unit<float>());
  CHECK_ARRAY(run.running_mean, running_mean, 4 * unit<float>());
  CHECK_ARRAY(run.running_variance, running_variance, 4 * unit<float>());
  CHECK(is_ready(run.workspace));

  again.run(problem, again.x.data());  // y in place of x
  CHECK(same_bits(again.x, run.y));
  CHECK(same_bits(again.mean, run.mean));
  CHECK(same_bits(again.inverse_std, run.inverse_std));
}

template <typename T>
void check_inference(const Problem<T>& problem) {
  Training<T> arrays(problem);
  const auto run = [&](T* to) {
    kernels::batch_norm_inference(arrays.x.data(), arrays.gamma.data(), arrays.beta.data(),
                                  problem.with_residual ? arrays.residual.data() : nullptr, problem.relu,
                                  kEpsilon, arrays.running_mean.data(), arrays.running_variance.data(), to,
                                  problem.size.rows, problem.size.channels, nullptr);
  };
  const std::int64_t launches = launch_count();
  run(arrays.y.data());
  if (is_emulated()) CHECK(launch_count() - launches == 1);
  CHECK_ARRAY(arrays.y, problem.wanted(widened(problem.running_mean), widened(problem.running_variance)),
              8 * unit<float>() + unit<T>());
  run(arrays.x.data());
  CHECK(same_bits(arrays.x, arrays.y));
}

/// Training's y by an fp32 problem of one channel.
std::vector<float> normalized(const std::vector<float>& x, std::vector<float>& running_variance,
                              std::vector<float>& mean) {
  Problem<float> problem({static_cast<std::int64_t>(x.size()), 1}, 0, false, false);
  problem.x = x;
  problem.gamma = {1};
  problem.beta = {0};
  problem.running_variance = {0};
  Training<float> run(problem);
  run.run(problem, run.y.data());
  running_variance = run.running_variance.values();
  mean = run.mean.values();
  return run.y.values();
}

}  // namespace

TEST_CASE_TEMPLATE("batch norm: training at every width, alignment and epilogue", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Size size : kSizes) {
    CAPTURE(size.rows);
    CAPTURE(size.channels);
    check_training<T>(Problem<T>(size, 0, false, false));
    check_training<T>(Problem<T>(size, 0, true, true));
    check_training<T>(Problem<T>(size, 1, true, false));
  }
  check_training<T>(Problem<T>({5000, 33}, 1, false, true));  // 78 slices
}

TEST_CASE_TEMPLATE("batch norm: inference at every width, alignment and epilogue", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Size size : kSizes) {
    CAPTURE(size.rows);
    CAPTURE(size.channels);
    check_inference<T>(Problem<T>(size, 0, true, true));
    check_inference<T>(Problem<T>(size, 1, false, true));
    check_inference<T>(Problem<T>(size, 0, true, false));
  }
  check_inference<T>(Problem<T>({1, 24}, 0, false, false));
}

TEST_CASE("batch norm: a mean far from 0 and an outlier in front cost no precision") {
  if (!device_is_there()) return;
  for (const bool outlier : {false, true}) {
    CAPTURE(outlier);
    std::vector<float> x = uniform<float>(5000, -1.7320508f, 1.7320508f, 7), variance, mean;  // deviation 1
    for (float& value : x) value += outlier ? 0.0f : 1e4f;
    if (outlier) x[0] = 1e4f;
    const Moments moments = moments_of(widened(x), {5000, 1});
    const std::vector<float> y = normalized(x, variance, mean);
    CHECK(variance[0] == doctest::Approx(0.1 * moments.variance[0] * 5000 / 4999).epsilon(1e-6));
    // Half a last place of the mean, which is 1 / 1024 at 1e4, or next to nothing beside the deviation.
    const double deviation = std::sqrt(moments.variance[0]);
    CHECK(std::fabs(mean[0] - moments.mean[0]) <=
          std::fabs(moments.mean[0]) * unit<float>() + 1e-5 * deviation);
    double error = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double wanted = (x[i] - moments.mean[0]) / std::sqrt(moments.variance[0] + 1e-5);
      error = std::max(error, std::fabs(y[i] - wanted));
    }
    CHECK(error < 6e-4);
  }
}

TEST_CASE("batch norm: extreme values, NaN and infinity stay in their channel") {
  if (!device_is_there()) return;
  Problem<float> problem({700, 40}, 0, true, false);
  const std::vector<float> calm = problem.x;
  for (std::size_t i = 0; i < problem.x.size(); i += 40) {
    problem.x[i + 4] *= 1e17f;   // the sum of squares just fits
    problem.x[i + 5] *= 1e-18f;  // epsilon is all of the denominator
    problem.x[i + 6] = 3e38f;    // constant: deviations are 0, and their sum does not overflow
  }
  problem.x[40 * 500 + 1] = NAN;
  problem.x[40 * 600 + 2] = INFINITY;
  Training<float> run(problem);
  run.run(problem, run.y.data());
  std::vector<float> got = run.y.values();
  const Moments moments = moments_of(widened(problem.x), problem.size);
  std::vector<double> wanted = problem.wanted(moments.mean, moments.variance);
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

TEST_CASE("batch norm: one workspace serves calls of any shape; nothing to do writes nothing") {
  if (!device_is_there()) return;
  std::size_t bytes = kernels::sum_rows_workspace_bytes(5000, 33);
  for (const Size size : kSizes) {
    bytes = std::max(bytes, kernels::batch_norm_workspace_bytes(size.rows, size.channels));
  }
  DeviceArray<float> workspace(fresh_workspace(bytes));
  for (const Size size : {kSizes[6], kSizes[7], kSizes[10], kSizes[6], Size{0, 5}, Size{5, 0}}) {
    const Problem<float> problem(size, 0, false, false);
    Training<float> a(problem), b(problem);
    a.run(problem, a.y.data());
    kernels::batch_norm_training<float>(b.x.data(), b.gamma.data(), b.beta.data(), nullptr, false, kEpsilon,
                                        kMomentum, b.running_mean.data(), b.running_variance.data(),
                                        b.mean.data(), b.inverse_std.data(), b.y.data(), workspace.data(),
                                        size.rows, size.channels, nullptr);
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
