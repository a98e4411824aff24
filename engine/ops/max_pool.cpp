// y = max over the window       dx gets dy at each window's winner, the first of equals
// x [N,H,W,C], y [N,P,Q,C]. Saves one byte per output: the winner's place in its window.
#include "engine/ops/max_pool.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/backend/dispatch.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "kernels/max_pool.h"

namespace tern {
namespace {

// Channels are innermost, so every loop over them is a vector loop; images go to the cores.
struct PoolGeometry {
  std::int64_t images, height, width, channels, out_height, out_width;
};

PoolGeometry geometry_of(const Tensor& input, const Tensor& output) {
  return {input.size(0), input.size(1), input.size(2), input.size(3), output.size(1), output.size(2)};
}

// The place in the window of its first position inside the image; 0 if there is none.
std::uint8_t first_tap(const PoolGeometry& g, Window window, std::int64_t row, std::int64_t column) {
  const std::int64_t above = std::max<std::int64_t>(window.padding - row * window.stride, 0);
  const std::int64_t before = std::max<std::int64_t>(window.padding - column * window.stride, 0);
  const bool any = g.height > 0 && g.width > 0;
  return static_cast<std::uint8_t>(any ? above * window.kernel + before : 0);
}

// Calls body(tap, input offset) for every window position inside the image, in row-major order.
template <typename Body>
void for_taps(const PoolGeometry& g, Window window, std::int64_t row, std::int64_t column, Body&& body) {
  for (int r = 0; r < window.kernel; ++r) {
    const std::int64_t y = row * window.stride - window.padding + r;
    if (y < 0 || y >= g.height) continue;
    for (int s = 0; s < window.kernel; ++s) {
      const std::int64_t x = column * window.stride - window.padding + s;
      if (x < 0 || x >= g.width) continue;
      body(static_cast<std::uint8_t>(r * window.kernel + s), (y * g.width + x) * g.channels);
    }
  }
}

template <typename T>
void max_pool_pixel(const T* image, const PoolGeometry& g, Window window, std::int64_t row,
                    std::int64_t column, T* best, std::uint8_t* winner) {
  std::fill_n(best, g.channels, T(-INFINITY));
  // Which wins where all are -infinity: a place in the padding would lose the gradient.
  std::memset(winner, first_tap(g, window, row, column), static_cast<std::size_t>(g.channels));
  for_taps(g, window, row, column, [&](std::uint8_t tap, std::int64_t offset) {
    const T* from = image + offset;
#pragma omp simd
    for (std::int64_t c = 0; c < g.channels; ++c) {
      const float value = load(from[c]), so_far = load(best[c]);
      const bool better = value > so_far || value != value;  // NaN wins, as in PyTorch
      store(better ? value : so_far, best[c]);
      winner[c] = better ? tap : winner[c];
    }
  });
}

template <typename T>
void max_pool_forward_cpu(const Tensor& x, Window window, Tensor& y, Tensor& index) {
  const PoolGeometry g = geometry_of(x, y);
  const T* from = x.data<T>();
  T* to = y.data<T>();
  std::uint8_t* winners = index.data<std::uint8_t>();
  parallel_for(g.images * g.out_height, 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      const T* image = from + line / g.out_height * g.height * g.width * g.channels;
      for (std::int64_t column = 0; column < g.out_width; ++column) {
        const std::int64_t offset = (line * g.out_width + column) * g.channels;
        max_pool_pixel<T>(image, g, window, line % g.out_height, column, to + offset, winners + offset);
      }
    }
  });
}

/// image += what the outputs of one image hand back to their winners.
template <typename T>
void max_pool_backward_image(const T* gradient, const std::uint8_t* winner, const PoolGeometry& g,
                             Window window, float* image) {
  for (std::int64_t row = 0; row < g.out_height; ++row) {
    for (std::int64_t column = 0; column < g.out_width; ++column) {
      for_taps(g, window, row, column, [&](std::uint8_t tap, std::int64_t offset) {
        float* target = image + offset;
#pragma omp simd
        for (std::int64_t c = 0; c < g.channels; ++c)
          target[c] += winner[c] == tap ? load(gradient[c]) : 0.0f;
      });
      gradient += g.channels;
      winner += g.channels;
    }
  }
}

template <typename T>
void max_pool_backward_cpu(const Tensor& dy, const Tensor& index, Window window, Tensor& dx) {
  const PoolGeometry g = geometry_of(dx, dy);
  const std::int64_t in_size = g.height * g.width * g.channels,
                     out_size = g.out_height * g.out_width * g.channels;
  parallel_for(g.images, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> sums(std::is_same_v<T, float> ? 0 : static_cast<std::size_t>(in_size));
    for (std::int64_t image = begin; image < end; ++image) {
      T* const to = dx.data<T>() + image * in_size;
      float* sum = sums.data();
      if constexpr (std::is_same_v<T, float>) sum = to;
      std::fill_n(sum, in_size, 0.0f);
      max_pool_backward_image(dy.data<T>() + image * out_size, index.data<std::uint8_t>() + image * out_size,
                              g, window, sum);
      if constexpr (!std::is_same_v<T, float>)
        std::transform(sum, sum + in_size, to, [](float value) { return T(value); });
    }
  });
}

kernels::PoolShape kernel_shape(const Tensor& x, const Tensor& y, Window window) {
  return {x.size(0), x.size(1),     x.size(2),     x.size(3),     y.size(1),
          y.size(2), window.kernel, window.stride, window.padding};
}

void max_pool_forward(const Tensor& x, Window window, Tensor& y, Tensor& index) {
  dispatch(
      x, [&] { with_type(x, [&]<typename T>() { max_pool_forward_cpu<T>(x, window, y, index); }); },
      [&](auto& device) {
        with_type(x, [&]<typename T>() {
          kernels::max_pool_forward(x.data<T>(), y.data<T>(), index.data<std::uint8_t>(),
                                    kernel_shape(x, y, window), device.stream());
        });
      });
}

void max_pool_backward(const Tensor& dy, const Tensor& index, Window window, Tensor& dx) {
  dispatch(
      dy, [&] { with_type(dy, [&]<typename T>() { max_pool_backward_cpu<T>(dy, index, window, dx); }); },
      [&](auto& device) {
        with_type(dy, [&]<typename T>() {
          kernels::max_pool_backward(dy.data<T>(), index.data<std::uint8_t>(), dx.data<T>(),
                                     kernel_shape(dx, dy, window), device.stream());
        });
      });
}

}  // namespace

Variable max_pool(const Variable& x, Window window) {
  const Tensor& in = x.data();
  check_rank("max_pool", in, 4, "x [N, H, W, C]");
  check_activation("max_pool", "x", in);
  if (window.kernel < 1 || window.kernel > 15 || window.stride < 1 || window.padding < 0 ||
      2 * window.padding > window.kernel) {
    throw Error("max_pool", "kernel in 1..15, stride >= 1, padding in 0..kernel/2",
                std::to_string(window.kernel) + ", " + std::to_string(window.stride) + ", " +
                    std::to_string(window.padding));
  }
  const std::int64_t smallest = window.kernel - 2 * std::int64_t{window.padding};
  if (in.size(1) < std::max<std::int64_t>(smallest, 1) || in.size(2) < std::max<std::int64_t>(smallest, 1)) {
    throw Error("max_pool",
                "height and width of at least " + std::to_string(std::max<std::int64_t>(smallest, 1)),
                in.shape().text());
  }
  const Shape shape{in.size(0), window.output_extent(in.size(1)), window.output_extent(in.size(2)),
                    in.size(3)};
  Tensor y = Tensor::empty(shape, in.dtype(), in.device());
  Tensor index = Tensor::empty(shape, DType::u8, in.device());
  if (y.numel() > 0) max_pool_forward(in, window, y, index);
  return record("max_pool", {x}, std::move(y),
                [index, window, x_shape = in.shape()](const Tensor& dy) -> Grads {
                  Tensor dx = Tensor::empty(x_shape, dy.dtype(), dy.device());
                  if (dx.numel() > 0) max_pool_backward(dy, index, window, dx);
                  return {dx};
                });
}

}  // namespace tern
