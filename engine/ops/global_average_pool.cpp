// y[n,c] = sum_hw x[n,h,w,c] / (H W)      dx[n,h,w,c] = dy[n,c] / (H W)
// x [N,H,W,C] f32 or bf16, y [N,C] f32. Saves x's shape and type alone.
#include "engine/ops/global_average_pool.h"

#include <algorithm>

#include "engine/backend/dispatch.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "kernels/global_average_pool.h"

namespace tern {
namespace {

template <typename T>
void global_average_pool_forward_cpu(const Tensor& x, Tensor& y) {
  const std::int64_t images = x.size(0), pixels = x.size(1) * x.size(2), channels = x.size(3);
  const T* from = x.data<T>();
  float* to = y.data<float>();
  parallel_for(images, 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t image = begin; image < end; ++image) {
      float* sum = to + image * channels;
      std::fill_n(sum, channels, 0.0f);
      for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
        const T* value = from + (image * pixels + pixel) * channels;
#pragma omp simd
        for (std::int64_t c = 0; c < channels; ++c) sum[c] += load(value[c]);
      }
      for (std::int64_t c = 0; c < channels; ++c) sum[c] /= static_cast<float>(pixels);
    }
  });
}

template <typename T>
void global_average_pool_backward_cpu(const Tensor& dy, Tensor& dx) {
  const std::int64_t images = dx.size(0), pixels = dx.size(1) * dx.size(2), channels = dx.size(3);
  const float* gradients = dy.data<float>();
  T* to = dx.data<T>();
  const float share = 1.0f / static_cast<float>(pixels);
  parallel_for(images, 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t pixel = begin * pixels; pixel < end * pixels; ++pixel) {
      const float* gradient = gradients + pixel / pixels * channels;
      T* target = to + pixel * channels;
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) store(gradient[c] * share, target[c]);
    }
  });
}

void global_average_pool_forward(const Tensor& x, Tensor& y) {
  dispatch(
      x, [&] { with_type(x, [&]<typename T>() { global_average_pool_forward_cpu<T>(x, y); }); },
      [&](auto& device) {
        with_type(x, [&]<typename T>() {
          kernels::global_average_pool_forward(x.data<T>(), y.data<float>(), x.size(0), x.size(1) * x.size(2),
                                               x.size(3), device.stream());
        });
      });
}

void global_average_pool_backward(const Tensor& dy, Tensor& dx) {
  dispatch(
      dy, [&] { with_type(dx, [&]<typename T>() { global_average_pool_backward_cpu<T>(dy, dx); }); },
      [&](auto& device) {
        with_type(dx, [&]<typename T>() {
          kernels::global_average_pool_backward(dy.data<float>(), dx.data<T>(), dx.size(0),
                                                dx.size(1) * dx.size(2), dx.size(3), device.stream());
        });
      });
}

}  // namespace

Variable global_average_pool(const Variable& x) {
  const Tensor& in = x.data();
  check_rank("global_average_pool", in, 4, "x [N, H, W, C]");
  check_activation("global_average_pool", "x", in);
  if (in.size(1) < 1 || in.size(2) < 1) {
    throw Error("global_average_pool", "height and width of at least 1", in.shape().text());
  }
  Tensor y = Tensor::empty({in.size(0), in.size(3)}, DType::f32, in.device());
  if (y.numel() > 0) global_average_pool_forward(in, y);
  return record("global_average_pool", {x}, std::move(y),
                [x_shape = in.shape(), type = in.dtype()](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty(x_shape, type, dy.device());
                  if (dx.numel() > 0) global_average_pool_backward(dy, dx);
                  return {dx};
                });
}

}  // namespace tern
