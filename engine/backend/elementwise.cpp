#include "engine/backend/elementwise.h"

#include <algorithm>
#include <cstdint>

#include "engine/backend/dispatch.h"
#include "engine/core/parallel.h"
#include "kernels/elementwise.h"

namespace tern {
namespace {

void fill_cpu(float value, Tensor& y) {
  float* out = y.data<float>();
  parallel_for(y.numel(), kElementwiseGrain,
               [=](std::int64_t begin, std::int64_t end) { std::fill(out + begin, out + end, value); });
}

void add_cpu(const Tensor& a, const Tensor& b, Tensor& y) {
  const float *left = a.data<float>(), *right = b.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = left[i] + right[i];
  });
}

void add_scaled_cpu(float scale, const Tensor& x, Tensor& y) {
  const float* in = x.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] += scale * in[i];
  });
}

void multiply_cpu(const Tensor& x, float factor, const Tensor& scalar, Tensor& y) {
  const float* in = x.data<float>();
  const float scale = factor * *scalar.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = in[i] * scale;
  });
}

template <typename From, typename To>
void convert_values(const Tensor& x, Tensor& y) {
  const From* in = x.data<From>();
  To* out = y.data<To>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) out[i] = To(static_cast<float>(in[i]));
  });
}

void convert_cpu(const Tensor& x, Tensor& y) {
  if (x.dtype() == y.dtype()) {
    if (x.raw() != y.raw()) y.assign(x);
  } else if (y.dtype() == DType::bf16) {
    convert_values<float, bfloat16>(x, y);
  } else {
    convert_values<bfloat16, float>(x, y);
  }
}

}  // namespace

void fill(float value, Tensor& y) {
  dispatch(
      y, [&] { fill_cpu(value, y); },
      [&](auto& device) {
        with_type(y, [&]<typename T>() { kernels::fill(value, y.data<T>(), y.numel(), device.stream()); });
      });
}

void add(const Tensor& a, const Tensor& b, Tensor& y) {
  dispatch(
      y, [&] { add_cpu(a, b, y); },
      [&](auto& device) {
        with_type(y, [&]<typename T>() {
          kernels::add(a.data<T>(), b.data<T>(), y.data<T>(), y.numel(), device.stream());
        });
      });
}

void add_scaled(float scale, const Tensor& x, Tensor& y) {
  dispatch(
      y, [&] { add_scaled_cpu(scale, x, y); },
      [&](auto& device) {
        with_type(y, [&]<typename T>() {
          kernels::add_scaled(scale, x.data<T>(), y.data<T>(), y.numel(), device.stream());
        });
      });
}

void multiply(const Tensor& x, float factor, const Tensor& scalar, Tensor& y) {
  dispatch(
      y, [&] { multiply_cpu(x, factor, scalar, y); },
      [&](auto& device) {
        with_type(y, [&]<typename T>() {
          kernels::multiply(x.data<T>(), factor, scalar.data<float>(), y.data<T>(), y.numel(),
                            device.stream());
        });
      });
}

void convert(const Tensor& x, Tensor& y) {
  dispatch(
      y, [&] { convert_cpu(x, y); },
      [&](auto& device) {
        with_type(x, [&]<typename From>() {
          with_type(y, [&]<typename To>() {
            kernels::convert(x.data<From>(), y.data<To>(), y.numel(), device.stream());
          });
        });
      });
}

}  // namespace tern
