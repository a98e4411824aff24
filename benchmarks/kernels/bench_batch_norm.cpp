// Batch normalisation of A elements: training 3 A, inference 2 A, each A more with a residual; backward 5 A,
// A more where the residual has a gradient. In one launch (few rows) training 2 A, backward 3 A, 2 A more for a residual.
#include "benchmarks/kernels/harness.h"
#include "kernels/batch_norm.h"

namespace tern::bench {
namespace {

constexpr double kEpsilon = 1e-5;

/// gamma, beta and two statistics, f32, of every channel.
struct Channels {
  Slots<float> gamma, beta, mean, deviation;
  Channels(Bench& bench, std::int64_t count)
      : gamma(bench.random<float>(count, 0.5f, 1.5f)),
        beta(bench.random<float>(count, -0.5f, 0.5f)),
        mean(bench.random<float>(count, -0.5f, 0.5f)),
        deviation(bench.random<float>(count, 0.5f, 1.5f)) {}

  /// One channel as it was before ReLU, `deviation` being 1 / its deviation.
  template <typename T>
  reference::Array normalized(const Slots<T>& x, std::int64_t channel) const {
    const auto of = [channel](const Slots<float>& values) { return values.values(channel, 1)[0]; };
    const float shift = of(mean), scale = of(gamma) * of(deviation), offset = of(beta);
    reference::Array y = x.column(channel, gamma.count());
    // In f32, as the kernel, so that its sign is the kernel's.
    for (std::int64_t i = 0; i < y.size(); ++i) y[i] = (static_cast<float>(y[i]) - shift) * scale + offset;
    return y;
  }
};

bool takes_one_launch(const ImageShape& shape) {
  return shape.rows() <= kernels::kBatchNormOneLaunchRows;
}

/// y = relu(gamma (x - mean) inverse_std + beta + residual) against the batch's or the running statistics.
template <typename T>
void forward(Bench& bench, const ImageShape& shape, bool training, bool add) {
  const int arrays = (training && !takes_one_launch(shape) ? 3 : 2) + (add ? 1 : 0);
  const double bytes = static_cast<double>(shape.all()) * sizeof(T) * arrays;
  const std::string name =
      std::string("batch_norm_") + (training ? "training" : "inference") + (add ? "_add" : "");
  if (!bench.begin(name + "_relu", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(shape.all(), -1, 3), y = bench.poisoned<T>(shape.all());
  const auto residual = bench.random<T>(add ? shape.all() : 0, -1, 1);
  const Channels given(bench, shape.channels);
  const auto mean = bench.poisoned<float>(shape.channels), inverse = bench.poisoned<float>(shape.channels);
  const auto workspace = bench.workspace(kernels::batch_norm_workspace_bytes(shape.rows(), shape.channels));
  const auto run = [&](int slot) {
    const T* const added = add ? residual[slot] : nullptr;
    if (training) {
      kernels::batch_norm_training(x[slot], given.gamma[slot], given.beta[slot], added, true,
                                   static_cast<float>(kEpsilon), 0.1f, given.mean[slot],
                                   given.deviation[slot], mean[slot], inverse[slot], y[slot], workspace[slot],
                                   shape.rows(), shape.channels, bench.stream());
    } else {
      kernels::batch_norm_inference(x[slot], given.gamma[slot], given.beta[slot], added, true,
                                    static_cast<float>(kEpsilon), given.mean[slot], given.deviation[slot],
                                    y[slot], shape.rows(), shape.channels, bench.stream());
    }
  };
  const auto error = [&] {
    Difference difference, of_statistics;
    for (const std::int64_t c : sampled(shape.channels)) {
      const reference::Array of_x = x.column(c, shape.channels);
      reference::Array centre = given.mean.array({1}, c), variance = given.deviation.array({1}, c);
      if (training) {
        const reference::Statistics batch = reference::statistics(of_x);
        centre = batch.mean;
        variance = batch.biased_variance;
        of_statistics.add(mean.array({1}, c), centre);
        of_statistics.add(inverse.array({1}, c), reference::inverse_std(variance, kEpsilon));
      }
      reference::Array wanted = reference::batch_norm(of_x, given.gamma.array({1}, c),
                                                      given.beta.array({1}, c), centre, variance, kEpsilon);
      if (add) wanted = reference::add(wanted, residual.column(c, shape.channels));
      difference.add(y.column(c, shape.channels), reference::relu(wanted));
    }
    return worst({difference, of_statistics});
  };
  bench.measure(bytes, run, error);
}

template <typename T>
void backward(Bench& bench, const ImageShape& shape, bool add) {
  const int arrays = takes_one_launch(shape) ? (add ? 5 : 3) : (add ? 6 : 5);
  const double bytes = static_cast<double>(shape.all()) * sizeof(T) * arrays;
  if (!bench.begin(add ? "batch_norm_backward_add_relu" : "batch_norm_backward_relu", shape.name(),
                   name_of<T>(), bytes)) {
    return;
  }
  const auto x = bench.random<T>(shape.all(), -1, 3), y = bench.random<T>(shape.all(), -1, 1);
  const auto dy = bench.random<T>(shape.all(), -1, 1), dx = bench.poisoned<T>(shape.all());
  const auto dresidual = bench.poisoned<T>(add ? shape.all() : 0);
  const Channels given(bench, shape.channels);
  const auto dgamma = bench.poisoned<float>(shape.channels), dbeta = bench.poisoned<float>(shape.channels);
  const auto workspace = bench.workspace(kernels::batch_norm_workspace_bytes(shape.rows(), shape.channels));
  const auto run = [&](int slot) {
    kernels::batch_norm_backward(x[slot], add ? y[slot] : nullptr, dy[slot], given.gamma[slot],
                                 add ? nullptr : given.beta[slot], given.mean[slot], given.deviation[slot],
                                 true, dx[slot], dgamma[slot], dbeta[slot], add ? dresidual[slot] : nullptr,
                                 workspace[slot], shape.rows(), shape.channels, bench.stream());
  };
  const auto error = [&] {
    Difference of_gradient, of_sums;
    const double rows = static_cast<double>(shape.rows());
    for (const std::int64_t c : sampled(shape.channels)) {
      const reference::Array of_y = add ? y.column(c, shape.channels) : given.normalized(x, c);
      const reference::BatchNormGradients wanted = reference::batch_norm_backward(
          x.column(c, shape.channels), &of_y, dy.column(c, shape.channels), given.gamma.array({1}, c),
          given.mean.array({1}, c), given.deviation.array({1}, c), true);
      // As means beside gradients of up to 1: a sum of thousands that cancel has no size of its own.
      of_sums.add(1 + dbeta.doubles(c, 1)[0] / rows, 1 + wanted.dbeta[0] / rows);
      of_sums.add(1 + dgamma.doubles(c, 1)[0] / rows, 1 + wanted.dgamma[0] / rows);
      of_gradient.add(dx.column(c, shape.channels), wanted.dx);
      if (add) of_gradient.add(dresidual.column(c, shape.channels), wanted.dresidual);
    }
    return worst({of_gradient, of_sums});
  };
  bench.measure(bytes, run, error);
}

template <typename T>
void all_of(Bench& bench, const ImageShape& shape) {
  for (const bool add : {false, true}) {
    bench.measure_rows(forward<T>, shape, true, add);
    bench.measure_rows(backward<T>, shape, add);
    bench.measure_rows(forward<T>, shape, false, add);
  }
}

void bench_batch_norm(Bench& bench) {
  // Of a ResNet-50: 64 images of 64x64 pixels, 256 of 224x224.
  std::vector<ImageShape> shapes = bench.shapes<ImageShape>(
      {{64, 32, 32, 64}, {64, 4, 4, 1024}, {256, 56, 56, 256}, {256, 7, 7, 2048}}, {{8, 16, 16, 64}});
  if (bench.full()) {
    shapes.insert(shapes.end(), {{64, 16, 16, 64},
                                 {64, 16, 16, 256},
                                 {64, 8, 8, 512},
                                 {64, 2, 2, 2048},
                                 {256, 112, 112, 64},
                                 {256, 56, 56, 64},
                                 {256, 28, 28, 512},
                                 {256, 14, 14, 1024}});
  }
  for (const ImageShape& shape : shapes) {
    all_of<float>(bench, shape);
    all_of<bfloat16>(bench, shape);
  }
}
const Registration registration("batch_norm", bench_batch_norm);

}  // namespace
}  // namespace tern::bench
