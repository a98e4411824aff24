// Elementwise primitives, and sums and broadcasts over rows. y may alias any input of the elementwise ones.
#include <algorithm>
#include <cstdint>

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

constexpr std::int64_t kGrain = 1 << 15;  // elements below which a second thread costs more than it saves

// Rows are summed in blocks whose number depends on the shape alone, so the result does not depend on the
// number of threads.
constexpr std::int64_t kMinBlockRows = 64;
constexpr std::int64_t kMaxBlocks = 32;

}  // namespace

void CpuBackend::fill(float value, Tensor& y) {
  float* out = y.data<float>();
  parallel_for(y.numel(), kGrain,
               [=](std::int64_t begin, std::int64_t end) { std::fill(out + begin, out + end, value); });
}

void CpuBackend::add(const Tensor& a, const Tensor& b, Tensor& y) {
  const float *left = a.data<float>(), *right = b.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel(), kGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = left[i] + right[i];
  });
}

void CpuBackend::add_scaled(float scale, const Tensor& x, Tensor& y) {
  const float* in = x.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel(), kGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] += scale * in[i];
  });
}

void CpuBackend::multiply(const Tensor& x, float factor, const Tensor& scalar, Tensor& y) {
  const float* in = x.data<float>();
  const float scale = factor * *scalar.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel(), kGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = in[i] * scale;
  });
}

// Written so that NaN comes through: a loss that went wrong must not be hidden.
void CpuBackend::relu_forward(const Tensor& x, Tensor& y) {
  const float* in = x.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel(), kGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = in[i] < 0 ? 0.0f : in[i];
  });
}

void CpuBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const float *value = y.data<float>(), *gradient = dy.data<float>();
  float* out = dx.data<float>();
  parallel_for(dx.numel(), kGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = value[i] <= 0 ? 0.0f : gradient[i];
  });
}

namespace {

template <typename From, typename To>
void convert_values(const Tensor& x, Tensor& y) {
  const From* in = x.data<From>();
  To* out = y.data<To>();
  parallel_for(y.numel(), kGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = To(static_cast<float>(in[i]));
  });
}

}  // namespace

void CpuBackend::convert(const Tensor& x, Tensor& y) {
  if (x.dtype() == y.dtype()) {
    if (x.raw() != y.raw()) y.assign(x);
  } else if (y.dtype() == DType::bf16) {
    convert_values<float, bfloat16>(x, y);
  } else {
    convert_values<bfloat16, float>(x, y);
  }
}

void CpuBackend::add_row(const Tensor& row, Tensor& y) {
  const std::int64_t columns = row.numel();
  if (columns == 0) return;
  const float* in = row.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel() / columns, std::max<std::int64_t>(kGrain / columns, 1),
               [=](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; ++r) {
                   float* values = out + r * columns;
#pragma omp simd
                   for (std::int64_t c = 0; c < columns; ++c) values[c] += in[c];
                 }
               });
}

void CpuBackend::sum_rows(const Tensor& x, Tensor& sum) {
  const std::int64_t columns = sum.numel();
  if (columns == 0) return;
  const std::int64_t rows = x.numel() / columns;
  const std::int64_t blocks = std::clamp<std::int64_t>(rows / kMinBlockRows, 1, kMaxBlocks);
  const float* in = x.data<float>();
  float* out = sum.data<float>();
  Tensor scratch = Tensor::empty({blocks, columns}, DType::f64);
  double* partial = scratch.data<double>();
  const std::int64_t grain =
      std::max<std::int64_t>(kGrain / std::max<std::int64_t>(x.numel() / blocks, 1), 1);
  parallel_for(blocks, grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      double* total = partial + block * columns;
      std::fill_n(total, columns, 0.0);
      for (std::int64_t r = rows * block / blocks; r < rows * (block + 1) / blocks; ++r) {
        const float* values = in + r * columns;
#pragma omp simd
        for (std::int64_t c = 0; c < columns; ++c) total[c] += static_cast<double>(values[c]);
      }
    }
  });
  for (std::int64_t block = 1; block < blocks; ++block) {
    const double* other = partial + block * columns;
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) partial[c] += other[c];
  }
  for (std::int64_t c = 0; c < columns; ++c) out[c] = static_cast<float>(partial[c]);
}

}  // namespace tern
