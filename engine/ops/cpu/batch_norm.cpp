// Batch normalisation of x [rows, C] (NHWC with the pixels as rows), with the ReLU and the residual in the
// same pass.
//   y = relu(a x + b + residual),  a = gamma / sqrt(var + eps),  b = beta - mean a
//   dbeta = sum g,  dgamma = sum g xhat,  g = dy, 0 where y <= 0
//   dx = a (g - (dbeta + xhat dgamma) / rows)          with the batch's statistics
//   dx = a g                                           with constant ones
// It is bound by memory, so what counts is the number of passes: training reads x twice and writes y once;
// backward reads x and dy twice and writes dx once: where y = relu(a x + b), its sign follows from x. (With a residual,
// the first pass reads y and writes g, and the second reads g for dy.) oneDNN's batch normalisation cannot add the residual, and would cost a pass more in both
// directions.
#include "engine/ops/cpu/batch_norm.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/tensor/with_type.h"

namespace tern {
namespace {

// Partial sums are taken over chunks of rows whose bounds do not depend on the number of threads, and added
// in order: the statistics are the same for any number of threads. Within a chunk sums are f32, across chunks
// f64.
constexpr std::int64_t kChunkRows = 256;

std::int64_t chunk_count(std::int64_t rows) {
  return (rows + kChunkRows - 1) / kChunkRows;
}

// sums[chunk][0..C) and sums[chunk][C..2C) for every chunk, by accumulate(first row, last row, sum0, sum1).
template <typename Accumulate>
std::vector<double>& chunked_sums(std::int64_t rows, std::int64_t channels, Accumulate&& accumulate) {
  thread_local std::vector<float> partial;  // of the calling thread: reused from step to step
  thread_local std::vector<double> total;
  const std::int64_t chunks = chunk_count(rows);
  partial.assign(static_cast<std::size_t>(chunks * 2 * channels), 0.0f);
  float* const sums = partial.data();
  parallel_for(chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      float* const sum = sums + chunk * 2 * channels;
      accumulate(chunk * kChunkRows, std::min(rows, (chunk + 1) * kChunkRows), sum, sum + channels);
    }
  });
  total.assign(static_cast<std::size_t>(2 * channels), 0.0);
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (std::int64_t i = 0; i < 2 * channels; ++i) total[i] += sums[chunk * 2 * channels + i];
  }
  return total;
}

// Calls body(row) for every row, in parallel, with at least a few KiB of work per thread.
template <typename Body>
void for_rows(std::int64_t rows, std::int64_t channels, Body&& body) {
  const std::int64_t grain = std::max<std::int64_t>(1, 8192 / std::max<std::int64_t>(channels, 1));
  parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) body(row);
  });
}

// y = relu(a x + b + residual)
template <typename T>
void normalize_rows(const T* x, const float* a, const float* b, const Epilogue& epilogue, std::int64_t rows,
                    std::int64_t channels, T* y) {
  const T* residual = epilogue.residual != nullptr ? epilogue.residual->data<T>() : nullptr;
  const float floor = epilogue.relu ? 0.0f : -INFINITY;
  for_rows(rows, channels, [=](std::int64_t row) {
    const T* from = x + row * channels;
    T* to = y + row * channels;
    if (residual != nullptr) {
      const T* add = residual + row * channels;
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) {
        const float value = load(from[c]) * a[c] + b[c] + load(add[c]);
        store(value < floor ? floor : value, to[c]);  // keeps NaN: a broken run must show
      }
    } else {
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) {
        const float value = load(from[c]) * a[c] + b[c];
        store(value < floor ? floor : value, to[c]);
      }
    }
  });
}

struct Affine {
  std::vector<float> a, b;
};

Affine& affine_of(const float* gamma, const float* beta, const float* mean, const float* inverse_std,
                  std::int64_t channels) {
  thread_local Affine affine;
  affine.a.resize(static_cast<std::size_t>(channels));
  affine.b.resize(static_cast<std::size_t>(channels));
  for (std::int64_t c = 0; c < channels; ++c) {
    affine.a[c] = gamma[c] * inverse_std[c];
    affine.b[c] = beta[c] - mean[c] * affine.a[c];
  }
  return affine;
}

// What both passes of the backward read.
template <typename T>
struct BackwardRows {
  std::int64_t rows, channels;
  const T *x, *y, *dy;  // y null: no mask, or
  const float* mean;
  const float *a = nullptr,
              *b = nullptr;  // not null: g = 0 where a x + b <= 0, as it was computed in forward
};

// sum g and sum g (x - mean), and g itself into `masked` if that is not null (it may be dy).
template <typename T>
std::vector<double>& gradient_sums(const BackwardRows<T>& in, T* masked) {
  const std::int64_t channels = in.channels;
  const float* mean = in.mean;
  return chunked_sums(
      in.rows, channels, [=](std::int64_t first, std::int64_t last, float* sum, float* product_sum) {
        for (std::int64_t offset = first * channels; offset < last * channels; offset += channels) {
          const T *x = in.x + offset, *dy = in.dy + offset;
          const T* y = in.y != nullptr ? in.y + offset : nullptr;
          T* keep = masked != nullptr ? masked + offset : nullptr;
          if (in.a != nullptr) {
            const float *a = in.a, *b = in.b;
#pragma omp simd
            for (std::int64_t c = 0; c < channels; ++c) {
              const float g = load(x[c]) * a[c] + b[c] <= 0 ? 0.0f : load(dy[c]);
              sum[c] += g;
              product_sum[c] += g * (load(x[c]) - mean[c]);
            }
            continue;
          }
          if (y != nullptr && keep != nullptr) {
#pragma omp simd
            for (std::int64_t c = 0; c < channels; ++c) {
              const float g = load(y[c]) <= 0 ? 0.0f : load(dy[c]);
              store(g, keep[c]);
              sum[c] += g;
              product_sum[c] += g * (load(x[c]) - mean[c]);
            }
            continue;
          }
#pragma omp simd
          for (std::int64_t c = 0; c < channels; ++c) {
            const float g = y != nullptr && load(y[c]) <= 0 ? 0.0f : load(dy[c]);
            sum[c] += g;
            product_sum[c] += g * (load(x[c]) - mean[c]);
          }
          if (keep != nullptr && keep != dy) std::copy_n(dy, channels, keep);
        }
      });
}

// dx = factor g + x_factor (x - mean) + offset, per channel; of constant statistics dx = factor g, whatever x
// is.
struct GradientCoefficients {
  std::vector<float> factor, x_factor, offset;

  void resize(std::int64_t channels) {
    for (std::vector<float>* values : {&factor, &x_factor, &offset})
      values->resize(static_cast<std::size_t>(channels));
  }
};

template <typename T>
void write_scaled_gradient(const BackwardRows<T>& in, const GradientCoefficients& coefficients, T* dx) {
  const std::int64_t channels = in.channels;
  const float* factor = coefficients.factor.data();
  for_rows(in.rows, channels, [=](std::int64_t row) {
    const T* dy = in.dy + row * channels;
    const T* y = in.y != nullptr ? in.y + row * channels : nullptr;
    T* to = dx + row * channels;
#pragma omp simd
    for (std::int64_t c = 0; c < channels; ++c) {
      store(factor[c] * (y != nullptr && load(y[c]) <= 0 ? 0.0f : load(dy[c])), to[c]);
    }
  });
}

template <typename T>
void write_input_gradient(const BackwardRows<T>& in, const GradientCoefficients& coefficients, T* dx) {
  const std::int64_t channels = in.channels;
  const float *factor = coefficients.factor.data(), *x_factor = coefficients.x_factor.data(),
              *shift = coefficients.offset.data();
  const float* mean = in.mean;
  for_rows(in.rows, channels, [=](std::int64_t row) {
    const T *x = in.x + row * channels, *dy = in.dy + row * channels;
    T* to = dx + row * channels;
    if (in.a != nullptr) {
      const float *a = in.a, *b = in.b;
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) {
        const float g = load(x[c]) * a[c] + b[c] <= 0 ? 0.0f : load(dy[c]);
        store(factor[c] * g + x_factor[c] * (load(x[c]) - mean[c]) + shift[c], to[c]);
      }
    } else if (in.y != nullptr) {
      const T* y = in.y + row * channels;
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) {
        const float g = load(y[c]) <= 0 ? 0.0f : load(dy[c]);
        store(factor[c] * g + x_factor[c] * (load(x[c]) - mean[c]) + shift[c], to[c]);
      }
    } else {
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) {
        store(factor[c] * load(dy[c]) + x_factor[c] * (load(x[c]) - mean[c]) + shift[c], to[c]);
      }
    }
  });
}

// Sums of x - shift and its square, shift being the first row: no cancellation when the mean is large.
template <typename T>
std::vector<double>& shifted_sums(const T* x, std::int64_t rows, std::int64_t channels,
                                  std::vector<float>& shift) {
  shift.assign(static_cast<std::size_t>(channels), 0.0f);
  if (rows > 0) std::transform(x, x + channels, shift.begin(), [](T value) { return load(value); });
  return chunked_sums(
      rows, channels,
      [=, shift = shift.data()](std::int64_t first, std::int64_t last, float* sum, float* square_sum) {
        for (std::int64_t row = first; row < last; ++row) {
          const T* from = x + row * channels;
#pragma omp simd
          for (std::int64_t c = 0; c < channels; ++c) {
            const float shifted = load(from[c]) - shift[c];
            sum[c] += shifted;
            square_sum[c] += shifted * shifted;
          }
        }
      });
}

// The sums of all ranks, and with them their number of rows. What was summed about a shift of the rank's own is moved to 0
// first, in f64, where a mean of thousands of deviations costs nothing that f32 would show.
double add_over_ranks(std::vector<double>& sums, std::vector<float>* shift, std::int64_t rows,
                      std::int64_t channels, const cpu::SumOverRanks& over_ranks) {
  const double count = static_cast<double>(rows);
  for (std::int64_t c = 0; shift != nullptr && c < channels; ++c) {
    const double by = double{(*shift)[c]}, sum = sums[c];
    sums[c] = sum + count * by;
    sums[channels + c] += 2 * by * sum + count * by * by;
    (*shift)[c] = 0;
  }
  sums.push_back(count);
  over_ranks(sums);
  return sums.back();
}

template <typename T>
void backward_rows(const Tensor& x, const Tensor* y, const Tensor& dy, const Tensor& gamma,
                   const Tensor* beta, const Tensor& mean, const Tensor& inverse_std, bool batch_statistics,
                   Tensor& dx, Tensor& dgamma, Tensor& dbeta, Tensor* dresidual,
                   const cpu::SumOverRanks& over_ranks) {
  const std::int64_t channels = x.size(-1), rows = channels == 0 ? 0 : x.numel() / channels;
  const float* center = mean.data<float>();
  const float* scale = inverse_std.data<float>();
  BackwardRows<T> pass{rows,         channels, x.data<T>(), y != nullptr ? y->data<T>() : nullptr,
                       dy.data<T>(), center};
  if (beta != nullptr) {
    const Affine& affine = affine_of(gamma.data<float>(), beta->data<float>(), center, scale, channels);
    pass.a = affine.a.data();
    pass.b = affine.b.data();
  }
  std::vector<double>& sums = gradient_sums(pass, dresidual != nullptr ? dresidual->data<T>() : nullptr);
  if (dresidual != nullptr) {  // it holds g now: the second pass needs no mask
    pass.y = nullptr;
    pass.dy = std::as_const(*dresidual).data<T>();
  }
  // The parameters' gradients are the rank's own: they are added up with all others.
  for (std::int64_t c = 0; c < channels; ++c) {
    dgamma.data<float>()[c] = static_cast<float>(sums[channels + c] * scale[c]);
    dbeta.data<float>()[c] = static_cast<float>(sums[c]);
  }
  double count = static_cast<double>(std::max<std::int64_t>(rows, 1));
  if (over_ranks) count = add_over_ranks(sums, nullptr, rows, channels, over_ranks);
  thread_local GradientCoefficients coefficients;
  coefficients.resize(channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    const double a = double{gamma.data<float>()[c]} * scale[c];
    const double gamma_gradient = sums[channels + c] * scale[c];
    coefficients.factor[c] = static_cast<float>(a);
    coefficients.x_factor[c] = static_cast<float>(-a * gamma_gradient * scale[c] / count);
    coefficients.offset[c] = static_cast<float>(-a * sums[c] / count);
  }
  if (batch_statistics) {
    write_input_gradient(pass, coefficients, dx.data<T>());
  } else {
    write_scaled_gradient(pass, coefficients, dx.data<T>());
  }
}

}  // namespace

void cpu::batch_norm_training(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                              float momentum, const Epilogue& epilogue, Tensor& running_mean,
                              Tensor& running_variance, Tensor& mean, Tensor& inverse_std, Tensor& y,
                              const SumOverRanks& over_ranks) {
  const std::int64_t channels = x.size(-1), rows = channels == 0 ? 0 : x.numel() / channels;
  if (rows == 0 && !over_ranks) return;
  thread_local std::vector<float> shift;
  std::vector<double>* found = nullptr;
  with_type(x, [&]<typename T>() { found = &shifted_sums(x.data<T>(), rows, channels, shift); });
  std::vector<double>& sums = *found;
  double count = static_cast<double>(rows);
  if (over_ranks) count = add_over_ranks(sums, &shift, rows, channels, over_ranks);
  if (count <= 1) throw Error("batch_norm", "more than one value a channel in training", x.shape().text());
  for (std::int64_t c = 0; c < channels; ++c) {
    const double shifted_mean = sums[c] / count;
    const double difference = sums[channels + c] / count - shifted_mean * shifted_mean;
    const double variance = difference < 0 ? 0 : difference;  // keeps NaN
    const double batch_mean = shifted_mean + shift[c];
    const double unbiased = variance * count / (count - 1);
    mean.data<float>()[c] = static_cast<float>(batch_mean);
    inverse_std.data<float>()[c] = static_cast<float>(1.0 / std::sqrt(variance + epsilon));
    float& moving_mean = running_mean.data<float>()[c];
    float& moving_variance = running_variance.data<float>()[c];
    moving_mean = static_cast<float>((1.0 - momentum) * moving_mean + momentum * batch_mean);
    moving_variance = static_cast<float>((1.0 - momentum) * moving_variance + momentum * unbiased);
  }
  const Affine& affine = affine_of(gamma.data<float>(), beta.data<float>(), mean.data<float>(),
                                   inverse_std.data<float>(), channels);
  with_type(x, [&]<typename T>() {
    normalize_rows(x.data<T>(), affine.a.data(), affine.b.data(), epilogue, rows, channels, y.data<T>());
  });
}

void cpu::batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                               const Epilogue& epilogue, const Tensor& running_mean,
                               const Tensor& running_variance, Tensor& y) {
  const std::int64_t channels = x.size(-1), rows = channels == 0 ? 0 : x.numel() / channels;
  thread_local std::vector<float> inverse_std;
  inverse_std.resize(static_cast<std::size_t>(channels));
  for (std::int64_t c = 0; c < channels; ++c) {
    inverse_std[c] = 1.0f / std::sqrt(running_variance.data<float>()[c] + epsilon);
  }
  const Affine& affine = affine_of(gamma.data<float>(), beta.data<float>(), running_mean.data<float>(),
                                   inverse_std.data(), channels);
  with_type(x, [&]<typename T>() {
    normalize_rows(x.data<T>(), affine.a.data(), affine.b.data(), epilogue, rows, channels, y.data<T>());
  });
}

void cpu::batch_norm_backward(const Tensor& x, const Tensor* y, const Tensor& dy, const Tensor& gamma,
                              const Tensor* beta, const Tensor& mean, const Tensor& inverse_std,
                              bool batch_statistics, Tensor& dx, Tensor& dgamma, Tensor& dbeta,
                              Tensor* dresidual, const SumOverRanks& over_ranks) {
  with_type(x, [&]<typename T>() {
    backward_rows<T>(x, y, dy, gamma, beta, mean, inverse_std, batch_statistics, dx, dgamma, dbeta, dresidual,
                     over_ranks);
  });
}

}  // namespace tern
