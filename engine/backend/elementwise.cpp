#include "engine/backend/elementwise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include "engine/backend/dispatch.h"
#include "engine/core/parallel.h"
#include "kernels/elementwise.h"

namespace tern {
namespace {

/// An operand seen as rows of y's last axis: a step of 0 uses a value, or a row, again.
template <typename T>
struct Operand {
  const T* values;
  std::int64_t row_step, column_step;

  Operand(const Tensor& x, std::int64_t rows, std::int64_t columns)
      : values(x.data<T>()),
        row_step(x.numel() == rows * columns ? columns : 0),
        column_step(x.numel() == 1 ? 0 : 1) {}
};

/// The two inner loops that matter are of known steps, so that they are vectorised.
template <typename T, typename Op>
void row_cpu(const T* a, std::int64_t a_step, const T* b, std::int64_t b_step, Op op, T* y,
             std::int64_t count) {
  if (a_step == 1 && b_step == 1) {
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) store(op(load(a[i]), load(b[i])), y[i]);
  } else if (a_step == 1) {
    const float value = load(*b);
#pragma omp simd
    for (std::int64_t i = 0; i < count; ++i) store(op(load(a[i]), value), y[i]);
  } else {
    const float value = load(*a);
    for (std::int64_t i = 0; i < count; ++i) store(op(value, load(b[i * b_step])), y[i]);
  }
}

template <typename T, typename Op>
void broadcast_cpu(const Tensor& a, const Tensor& b, Op op, Tensor& y) {
  if (y.numel() == 0) return;
  // Where no operand is a row, all values are one row, which the cores share.
  const bool has_row = std::min(a.numel(), b.numel()) > 1 && a.numel() != b.numel();
  const std::int64_t columns = has_row ? std::min(a.numel(), b.numel()) : y.numel(),
                     rows = y.numel() / columns;
  const Operand<T> left(a, rows, columns), right(b, rows, columns);
  T* const out = y.data<T>();
  if (!has_row) {
    parallel_for(columns, kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
      row_cpu(left.values + begin * left.column_step, left.column_step,
              right.values + begin * right.column_step, right.column_step, op, out + begin, end - begin);
    });
    return;
  }
  const std::int64_t grain = std::max<std::int64_t>(kElementwiseGrain / columns, 1);
  parallel_for(rows, grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      row_cpu(left.values + r * left.row_step, 1, right.values + r * right.row_step, 1, op, out + r * columns,
              columns);
    }
  });
}

/// y = op(a, b) by a loop, or by kernel(a, b, y, n, stream).
template <typename Op, typename Kernel>
void binary(const Tensor& a, const Tensor& b, Tensor& y, Op op, Kernel kernel) {
  dispatch(
      y, [&] { with_type(y, [&]<typename T>() { broadcast_cpu<T>(a, b, op, y); }); },
      [&](auto& device) {
        with_type(y, [&]<typename T>() {
          kernel(kernels::Broadcast<T>{a.data<T>(), a.numel()}, kernels::Broadcast<T>{b.data<T>(), b.numel()},
                 y.data<T>(), y.numel(), device.stream());
        });
      });
}

template <typename T, typename Op>
void unary_cpu(const Tensor& x, Op op, Tensor& y) {
  const T* in = x.data<T>();
  T* out = y.data<T>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) store(op(load(in[i])), out[i]);
  });
}

/// y = op(x) by a loop, or by kernel(x, y, n, stream).
template <typename Op, typename Kernel>
void unary(const Tensor& x, Tensor& y, Op op, Kernel kernel) {
  dispatch(
      y, [&] { with_type(y, [&]<typename T>() { unary_cpu<T>(x, op, y); }); },
      [&](auto& device) {
        with_type(y, [&]<typename T>() { kernel(x.data<T>(), y.data<T>(), y.numel(), device.stream()); });
      });
}

template <typename From, typename To>
void convert_values(const Tensor& x, Tensor& y) {
  const From* in = x.data<From>();
  To* out = y.data<To>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) store(load(in[i]), out[i]);
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
      y,
      [&] {
        with_type(y, [&]<typename T>() {
          T* out = y.data<T>();
          parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
            std::fill(out + begin, out + end, T(value));
          });
        });
      },
      [&](auto& device) {
        with_type(y, [&]<typename T>() { kernels::fill(value, y.data<T>(), y.numel(), device.stream()); });
      });
}

// The kernels in generic lambdas, which are compiled only where there are kernels (dispatch.h).
void add(const Tensor& a, const Tensor& b, Tensor& y) {
  binary(a, b, y, std::plus<float>(), [](auto... in) { kernels::add(in...); });
}
void sub(const Tensor& a, const Tensor& b, Tensor& y) {
  binary(a, b, y, std::minus<float>(), [](auto... in) { kernels::sub(in...); });
}
void mul(const Tensor& a, const Tensor& b, Tensor& y) {
  binary(a, b, y, std::multiplies<float>(), [](auto... in) { kernels::mul(in...); });
}
void div(const Tensor& a, const Tensor& b, Tensor& y) {
  binary(a, b, y, std::divides<float>(), [](auto... in) { kernels::div(in...); });
}

void affine(const Tensor& x, float factor, float offset, Tensor& y) {
  unary(
      x, y, [=](float value) { return factor * value + offset; },
      [=](auto* in, auto* out, auto... rest) { kernels::affine(in, factor, offset, out, rest...); });
}
void exp(const Tensor& x, Tensor& y) {
  unary(
      x, y, [](float value) { return std::exp(value); }, [](auto... in) { kernels::exp(in...); });
}
void log(const Tensor& x, Tensor& y) {
  unary(
      x, y, [](float value) { return std::log(value); }, [](auto... in) { kernels::log(in...); });
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
