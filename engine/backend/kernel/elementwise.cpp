// Elementwise primitives, layouts, and sums and broadcasts over rows, by kernels/elementwise.h, transpose.h
// and rows.h.
#include "kernels/elementwise.h"

#include "engine/backend/kernel/kernel_backend.h"
#include "engine/backend/kernel/with_type.h"
#include "kernels/rows.h"
#include "kernels/transpose.h"

namespace tern {

void KernelBackend::fill(float value, Tensor& y) {
  with_type(y, [&]<typename T>() { kernels::fill(value, y.data<T>(), y.numel(), stream()); });
}

void KernelBackend::add(const Tensor& a, const Tensor& b, Tensor& y) {
  with_type(y,
            [&]<typename T>() { kernels::add(a.data<T>(), b.data<T>(), y.data<T>(), y.numel(), stream()); });
}

void KernelBackend::add_scaled(float scale, const Tensor& x, Tensor& y) {
  with_type(y,
            [&]<typename T>() { kernels::add_scaled(scale, x.data<T>(), y.data<T>(), y.numel(), stream()); });
}

void KernelBackend::multiply(const Tensor& x, float factor, const Tensor& scalar, Tensor& y) {
  with_type(y, [&]<typename T>() {
    kernels::multiply(x.data<T>(), factor, scalar.data<float>(), y.data<T>(), y.numel(), stream());
  });
}

void KernelBackend::relu_forward(const Tensor& x, Tensor& y) {
  with_type(y, [&]<typename T>() { kernels::relu_forward(x.data<T>(), y.data<T>(), y.numel(), stream()); });
}

void KernelBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  with_type(y, [&]<typename T>() {
    kernels::relu_backward(y.data<T>(), dy.data<T>(), dx.data<T>(), dx.numel(), stream());
  });
}

void KernelBackend::convert(const Tensor& x, Tensor& y) {
  with_type(x, [&]<typename From>() {
    with_type(y, [&]<typename To>() { kernels::convert(x.data<From>(), y.data<To>(), y.numel(), stream()); });
  });
}

void KernelBackend::transpose(const Tensor& x, Tensor& y) {
  with_type(x, [&]<typename T>() {
    kernels::transpose(x.data<T>(), y.data<T>(), x.size(0), x.size(1), x.size(2), stream());
  });
}

void KernelBackend::add_row(const Tensor& row, Tensor& y) {
  const std::int64_t columns = row.numel(), rows = columns == 0 ? 0 : y.numel() / columns;
  with_type(y,
            [&]<typename T>() { kernels::add_row(row.data<float>(), y.data<T>(), rows, columns, stream()); });
}

void KernelBackend::sum_rows(const Tensor& x, Tensor& sum) {
  const std::int64_t columns = sum.numel(), rows = columns == 0 ? 0 : x.numel() / columns;
  void* const memory = workspace("sum_rows", rows, columns, kernels::sum_rows_workspace_bytes(rows, columns));
  with_type(x, [&]<typename T>() {
    kernels::sum_rows(x.data<T>(), sum.data<float>(), memory, rows, columns, stream());
  });
}

}  // namespace tern
