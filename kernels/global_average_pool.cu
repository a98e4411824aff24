// Bound by bandwidth: a thread takes 16 bytes of channels of a pixel where pointers and channels allow.
#include "kernels/global_average_pool.h"

#include "kernels/common/columns.h"
#include "kernels/common/kernel.h"

namespace tern::kernels {
namespace {

/// Block (tile, image) of an average: thread (x, y) adds every height-th pixel of its V channels. The
/// threads' sums meet in a fixed order.
constexpr int kWidth = 32, kHeight = 8;

template <int V, typename T, typename To>
__global__ void __launch_bounds__(kWidth* kHeight)
    global_average_pool_forward_kernel(const T* x, To* y, std::int64_t pixels, std::int64_t channels,
                                       std::int64_t tiles) {
  TERN_SHARED(float, shared, spread(kHeight * kWidth * V));
  const std::int64_t image = blockIdx.x / tiles, first = blockIdx.x % tiles * kWidth * V;
  const std::int64_t channel = first + threadIdx.x * V;
  float sum[V][1] = {};
  if (channel < channels) {
    const T* const from = x + image * pixels * channels + channel;
    std::int64_t pixel = threadIdx.y;
    for (; pixel + 3 * kHeight < pixels; pixel += 4 * kHeight) {  // four loads under way together
      Vector<T, V> in[4];
      for (int k = 0; k < 4; ++k) in[k] = load_vector<V>(from + (pixel + k * kHeight) * channels);
      for (int k = 0; k < 4; ++k) {
        for (int v = 0; v < V; ++v) sum[v][0] += static_cast<float>(in[k][v]);
      }
    }
    for (; pixel < pixels; pixel += kHeight) {
      const Vector<T, V> in = load_vector<V>(from + pixel * channels);
      for (int v = 0; v < V; ++v) sum[v][0] += static_cast<float>(in[v]);
    }
  }
  float total[1];
  merge_block(sum, MergeSums<1>{}, total, shared);
  const int rank = thread_rank();
  if (rank < kWidth * V && first + rank < channels) {
    y[image * channels + first + rank] = To(total[0] / static_cast<float>(pixels));
  }
}

/// A thread loads V of an image's channels once and writes them to every blockDim.y-th pixel.
template <int V, typename T, typename To>
__global__ void __launch_bounds__(kWidth* kHeight)
    global_average_pool_backward_kernel(const T* dy, To* dx, std::int64_t images, std::int64_t pixels,
                                        std::int64_t channels) {
  const std::int64_t at = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * V;
  if (at >= images * channels) return;
  const std::int64_t image = at / channels, channel = at % channels;
  float gradient[V];
  load_floats(dy + at, gradient);
  Vector<To, V> share;
  for (int v = 0; v < V; ++v) share[v] = To(gradient[v] / static_cast<float>(pixels));
  for (std::int64_t pixel = threadIdx.y; pixel < pixels; pixel += blockDim.y) {
    store_vector<V>(dx + (image * pixels + pixel) * channels + channel, share);
  }
}

}  // namespace

template <typename T, typename To>
void global_average_pool_forward(const T* x, To* y, std::int64_t images, std::int64_t pixels,
                                 std::int64_t channels, Stream stream) {
  constexpr int kVector = kVectorWidth<T>;
  const bool wide = vectorizes(channels, x);
  const std::int64_t tiles = ceil_div(channels, kWidth * (wide ? kVector : 1));
  launch(wide ? global_average_pool_forward_kernel<kVector, T, To>
              : global_average_pool_forward_kernel<1, T, To>,
         images * tiles, dim3(kWidth, kHeight), 0, stream, x, y, pixels, channels, tiles);
}

template <typename T, typename To>
void global_average_pool_backward(const T* dy, To* dx, std::int64_t images, std::int64_t pixels,
                                  std::int64_t channels, Stream stream) {
  if (pixels == 0) return;
  constexpr int kVector = kVectorWidth<To>;
  const bool wide = vectorizes(channels, dx) && is_aligned(dy);
  const std::int64_t vectors = images * channels / (wide ? kVector : 1);
  int height = 1;  // each thread has 8 pixels for what it loads, where there are as many
  while (height < kHeight && pixels >= 16 * height) height *= 2;
  const int width = kWidth * kHeight / height;
  launch(wide ? global_average_pool_backward_kernel<kVector, T, To>
              : global_average_pool_backward_kernel<1, T, To>,
         ceil_div(vectors, width), dim3(width, height), 0, stream, dy, dx, images, pixels, channels);
}

#define TERN_INSTANTIATE(T, To)                                                                      \
  template void global_average_pool_forward(const T*, To*, std::int64_t, std::int64_t, std::int64_t, \
                                            Stream);                                                 \
  template void global_average_pool_backward(const T*, To*, std::int64_t, std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float, float)
TERN_INSTANTIATE(float, bfloat16)
TERN_INSTANTIATE(bfloat16, float)
TERN_INSTANTIATE(bfloat16, bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
