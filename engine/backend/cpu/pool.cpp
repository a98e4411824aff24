// Pooling of NHWC images. Channels are innermost, so every loop over them is a vector loop; images go to the
// cores.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

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

void max_pool_pixel(const float* image, const PoolGeometry& g, Window window, std::int64_t row,
                    std::int64_t column, float* best, std::uint8_t* winner) {
  std::fill_n(best, g.channels, -INFINITY);
  // Which wins where all are -infinity: a place in the padding would lose the gradient.
  std::memset(winner, first_tap(g, window, row, column), static_cast<std::size_t>(g.channels));
  for_taps(g, window, row, column, [&](std::uint8_t tap, std::int64_t offset) {
    const float* from = image + offset;
#pragma omp simd
    for (std::int64_t c = 0; c < g.channels; ++c) {
      const bool better = from[c] > best[c] || from[c] != from[c];  // NaN wins, as in PyTorch
      best[c] = better ? from[c] : best[c];
      winner[c] = better ? tap : winner[c];
    }
  });
}

}  // namespace

void CpuBackend::max_pool_forward(const Tensor& x, Window window, Tensor& y, Tensor& index) {
  const PoolGeometry g = geometry_of(x, y);
  const float* from = x.data<float>();
  float* to = y.data<float>();
  std::uint8_t* winners = index.data<std::uint8_t>();
  parallel_for(g.images * g.out_height, 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t line = begin; line < end; ++line) {
      const float* image = from + line / g.out_height * g.height * g.width * g.channels;
      for (std::int64_t column = 0; column < g.out_width; ++column) {
        const std::int64_t offset = (line * g.out_width + column) * g.channels;
        max_pool_pixel(image, g, window, line % g.out_height, column, to + offset, winners + offset);
      }
    }
  });
}

void CpuBackend::max_pool_backward(const Tensor& dy, const Tensor& index, Window window, Tensor& dx) {
  const PoolGeometry g = geometry_of(dx, dy);
  const float* upstream = dy.data<float>();
  const std::uint8_t* winners = index.data<std::uint8_t>();
  float* to = dx.data<float>();
  const std::int64_t image_size = g.height * g.width * g.channels;
  parallel_for(g.images, 1, [=](std::int64_t begin, std::int64_t end) {
    std::fill(to + begin * image_size, to + end * image_size, 0.0f);
    for (std::int64_t pixel = begin * g.out_height * g.out_width; pixel < end * g.out_height * g.out_width;
         ++pixel) {
      const std::int64_t line = pixel / g.out_width;
      float* image = to + line / g.out_height * image_size;
      const float* grad = upstream + pixel * g.channels;
      const std::uint8_t* winner = winners + pixel * g.channels;
      for_taps(g, window, line % g.out_height, pixel % g.out_width,
               [&](std::uint8_t tap, std::int64_t offset) {
                 float* target = image + offset;
#pragma omp simd
                 for (std::int64_t c = 0; c < g.channels; ++c) target[c] += winner[c] == tap ? grad[c] : 0.0f;
               });
    }
  });
}

void CpuBackend::average_pool_forward(const Tensor& x, Tensor& y) {
  const std::int64_t images = x.size(0), pixels = x.size(1) * x.size(2), channels = x.size(3);
  const float* from = x.data<float>();
  float* to = y.data<float>();
  parallel_for(images, 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t image = begin; image < end; ++image) {
      float* sum = to + image * channels;
      std::fill_n(sum, channels, 0.0f);
      for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
        const float* value = from + (image * pixels + pixel) * channels;
#pragma omp simd
        for (std::int64_t c = 0; c < channels; ++c) sum[c] += value[c];
      }
      for (std::int64_t c = 0; c < channels; ++c) sum[c] /= static_cast<float>(pixels);
    }
  });
}

void CpuBackend::average_pool_backward(const Tensor& dy, Tensor& dx) {
  const std::int64_t images = dx.size(0), pixels = dx.size(1) * dx.size(2), channels = dx.size(3);
  const float* upstream = dy.data<float>();
  float* to = dx.data<float>();
  const float share = 1.0f / static_cast<float>(pixels);
  parallel_for(images, 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t pixel = begin * pixels; pixel < end * pixels; ++pixel) {
      const float* grad = upstream + pixel / pixels * channels;
      float* target = to + pixel * channels;
#pragma omp simd
      for (std::int64_t c = 0; c < channels; ++c) target[c] = grad[c] * share;
    }
  });
}

}  // namespace tern
