// Batch normalisation of A elements: training 3 A, inference 2 A, each A more with a residual; backward 5 A,
// A more where the residual has a gradient.
#include "benchmarks/kernels/harness.h"
#include "kernels/batch_norm.h"

namespace tern::bench {
namespace {

struct Shape {
  std::int64_t images, height, width, channels;
  std::int64_t rows() const { return images * height * width; }
  std::int64_t all() const { return rows() * channels; }
  std::string name() const {
    return std::to_string(images) + "x" + std::to_string(height) + "x" + std::to_string(width) + "x" +
           std::to_string(channels);
  }
};

constexpr double kEpsilon = 1e-5;

/// A channel of an array that was fetched whole.
template <typename T>
class Column {
 public:
  Column(const std::vector<T>& all, std::int64_t channels) : all_(all), channels_(channels) {}
  double at(std::int64_t row, std::int64_t channel) const {
    return static_cast<double>(static_cast<float>(all_[static_cast<std::size_t>(row * channels_ + channel)]));
  }

 private:
  const std::vector<T>& all_;
  std::int64_t channels_;
};

/// gamma, beta and two statistics, f32, of every channel.
struct Channels {
  Slots<float> gamma, beta, mean, deviation;
  Channels(Bench& bench, std::int64_t count)
      : gamma(bench.random<float>(count, 0.5f, 1.5f)),
        beta(bench.random<float>(count, -0.5f, 0.5f)),
        mean(bench.random<float>(count, -0.5f, 0.5f)),
        deviation(bench.random<float>(count, 0.5f, 1.5f)) {}
};

/// y = relu(gamma (x - mean) inverse_std + beta + residual) against the batch's or the running statistics.
template <typename T>
void forward(Bench& bench, const Shape& shape, bool training, bool add) {
  const double bytes = static_cast<double>(shape.all()) * sizeof(T) * ((training ? 3 : 2) + (add ? 1 : 0));
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
    const std::vector<T> all_x = x.values(), all_y = y.values(), all_residual = residual.values();
    const Column<T> of_x(all_x, shape.channels), of_y(all_y, shape.channels),
        of_residual(all_residual, shape.channels);
    const std::vector<double> gamma = given.gamma.doubles(), beta = given.beta.doubles();
    Difference difference, of_statistics;
    for (const std::int64_t c : sampled(shape.channels)) {
      const auto channel = static_cast<std::size_t>(c);
      double centre = given.mean.doubles()[channel], variance = given.deviation.doubles()[channel];
      if (training) {
        double sum = 0, squares = 0;
        for (std::int64_t r = 0; r < shape.rows(); ++r) sum += of_x.at(r, c);
        centre = sum / static_cast<double>(shape.rows());
        for (std::int64_t r = 0; r < shape.rows(); ++r) squares += std::pow(of_x.at(r, c) - centre, 2);
        variance = squares / static_cast<double>(shape.rows());
        of_statistics.add(mean.doubles()[channel], centre);
        of_statistics.add(inverse.doubles()[channel], 1 / std::sqrt(variance + kEpsilon));
      }
      for (std::int64_t r = 0; r < shape.rows(); ++r) {
        const double value =
            gamma[channel] * (of_x.at(r, c) - centre) / std::sqrt(variance + kEpsilon) + beta[channel];
        difference.add(of_y.at(r, c), std::max(0.0, value + (add ? of_residual.at(r, c) : 0)));
      }
    }
    return worst({difference, of_statistics});
  };
  bench.measure(bytes, run, error);
}

template <typename T>
void backward(Bench& bench, const Shape& shape, bool add) {
  const double bytes = static_cast<double>(shape.all()) * sizeof(T) * (add ? 6 : 5);
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
    kernels::batch_norm_backward(x[slot], y[slot], dy[slot], given.gamma[slot], given.mean[slot],
                                 given.deviation[slot], true, dx[slot], dgamma[slot], dbeta[slot],
                                 add ? dresidual[slot] : nullptr, workspace[slot], shape.rows(),
                                 shape.channels, bench.stream());
  };
  const auto error = [&] {
    const std::vector<T> all_x = x.values(), all_y = y.values(), all_dy = dy.values(), all_dx = dx.values(),
                         all_dresidual = dresidual.values();
    const Column<T> of_x(all_x, shape.channels), of_y(all_y, shape.channels), of_dy(all_dy, shape.channels),
        of_dx(all_dx, shape.channels), of_dresidual(all_dresidual, shape.channels);
    const std::vector<double> gamma = given.gamma.doubles(), mean = given.mean.doubles(),
                              inverse = given.deviation.doubles(), sums = dbeta.doubles();
    Difference of_gradient;
    double of_sum = 0;  // of the mean gradient, beside gradients of up to 1
    for (const std::int64_t c : sampled(shape.channels)) {
      const auto channel = static_cast<std::size_t>(c);
      const auto gradient = [&](std::int64_t r) { return of_y.at(r, c) > 0 ? of_dy.at(r, c) : 0; };
      const auto unit = [&](std::int64_t r) { return (of_x.at(r, c) - mean[channel]) * inverse[channel]; };
      const double rows = static_cast<double>(shape.rows());
      double sum = 0, product = 0;
      for (std::int64_t r = 0; r < shape.rows(); ++r) {
        sum += gradient(r);
        product += gradient(r) * unit(r);
      }
      of_sum = std::max(of_sum, std::fabs(sums[channel] - sum) / rows);
      for (std::int64_t r = 0; r < shape.rows(); ++r) {
        if (add) of_gradient.add(of_dresidual.at(r, c), gradient(r));
        of_gradient.add(of_dx.at(r, c),
                        gamma[channel] * inverse[channel] * (gradient(r) - (sum + unit(r) * product) / rows));
      }
    }
    return std::isnan(of_sum) ? INFINITY : std::max(of_gradient.relative(), of_sum);
  };
  bench.measure(bytes, run, error);
}

template <typename T>
void all_of(Bench& bench, const Shape& shape) {
  for (const bool add : {false, true}) {
    forward<T>(bench, shape, true, add);
    backward<T>(bench, shape, add);
    forward<T>(bench, shape, false, add);
  }
}

}  // namespace

void bench_batch_norm(Bench& bench) {
  // Of a ResNet-50: 64 images of 64x64 pixels, 256 of 224x224.
  std::vector<Shape> shapes = {{64, 32, 32, 64}, {64, 4, 4, 1024}, {256, 56, 56, 256}, {256, 7, 7, 2048}};
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
  for (const Shape& shape : shapes) {
    all_of<float>(bench, shape);
    all_of<bfloat16>(bench, shape);
  }
}

}  // namespace tern::bench
