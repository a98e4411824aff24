// Pooling, by kernels/pool.h.
#include "kernels/pool.h"

#include "engine/backend/kernel/kernel_backend.h"
#include "engine/backend/kernel/with_type.h"

namespace tern {
namespace {

kernels::PoolShape pool_shape(const Tensor& x, const Tensor& y, Window window) {
  return {x.size(0), x.size(1),     x.size(2),     x.size(3),     y.size(1),
          y.size(2), window.kernel, window.stride, window.padding};
}

}  // namespace

void KernelBackend::max_pool_forward(const Tensor& x, Window window, Tensor& y, Tensor& index) {
  with_type(x, [&]<typename T>() {
    kernels::max_pool_forward(x.data<T>(), y.data<T>(), index.data<std::uint8_t>(), pool_shape(x, y, window),
                              stream());
  });
}

void KernelBackend::max_pool_backward(const Tensor& dy, const Tensor& index, Window window, Tensor& dx) {
  with_type(dy, [&]<typename T>() {
    kernels::max_pool_backward(dy.data<T>(), index.data<std::uint8_t>(), dx.data<T>(),
                               pool_shape(dx, dy, window), stream());
  });
}

void KernelBackend::average_pool_forward(const Tensor& x, Tensor& y) {
  with_type(x, [&]<typename T>() {
    kernels::average_pool_forward(x.data<T>(), y.data<float>(), x.size(0), x.size(1) * x.size(2), x.size(3),
                                  stream());
  });
}

void KernelBackend::average_pool_backward(const Tensor& dy, Tensor& dx) {
  with_type(dx, [&]<typename T>() {
    kernels::average_pool_backward(dy.data<float>(), dx.data<T>(), dx.size(0), dx.size(1) * dx.size(2),
                                   dx.size(3), stream());
  });
}

}  // namespace tern
