// Bound by bandwidth: a thread takes 16 bytes of channels of a pixel where pointers and channels allow.
// Windows overlap, so forward reads pixels, and backward reads windows, several times, but from memory only
// once: the blocks of neighbouring rows run together, and the caches hold what they share.
#include "kernels/max_pool.h"

#include <algorithm>
#include <limits>
#include <string>

#include "kernels/common/columns.h"
#include "kernels/common/kernel.h"

namespace tern::kernels {
namespace {

constexpr int kThreads = 256;

/// Pool and image in 32 bits: places within an image's row are computed for every 16 bytes.
struct Geometry {
  int height, width, output_height, output_width, vectors;  ///< vectors of V channels
  int kernel, stride, padding;
  std::int64_t channels;
};

/// A block takes one row of pixels; so many threads do not leave most of them idle in narrow images.
int threads_of(std::int64_t row_vectors) {
  return static_cast<int>(std::min<std::int64_t>(kThreads, ceil_div(row_vectors, kWarpSize) * kWarpSize));
}

/// Along one axis: where a window begins, in the image or before it, and its taps [first, end) that lie
/// inside.
struct Taps {
  int begin, first, end;

  __device__ Taps(int output, int extent, const Geometry& g)
      : begin(output * g.stride - g.padding),
        first(begin < 0 ? -begin : 0),
        end(extent - begin < g.kernel ? extent - begin : g.kernel) {}
  __device__ bool has(int tap) const { return tap >= first && tap < end; }
  /// The position of that tap, or of the nearest one inside.
  __device__ int at(int tap) const { return begin + (tap < first ? first : tap < end ? tap : end - 1); }
};

/// The greatest of a window's values so far and its tap, a channel each. The first tap inside the image is
/// the winner until another one is greater or NaN.
template <int V>
struct Winner {
  float value[V];
  int tap[V];

  __device__ explicit Winner(int first) {
    for (int v = 0; v < V; ++v) {
      value[v] = -INFINITY;
      tap[v] = first;
    }
  }
  template <typename T>
  __device__ void meet(const Vector<T, V>& others, int other_tap) {
    for (int v = 0; v < V; ++v) {
      const float other = float_at(others, v);
      if (other > value[v] || isnan(other)) {
        value[v] = other;
        tap[v] = other_tap;
      }
    }
  }
};

/// Where the kernel is K wide and high: all its taps are loaded before the first is looked at, those outside
/// from inside. `x` is the image's first pixel.
template <int K, int V, typename T>
__device__ void visit_taps(const T* x, const Taps& rows, const Taps& columns, const Geometry& g,
                           Winner<V>& winner) {
  Vector<T, V> in[K * K];
  TERN_UNROLL
  for (int tap = 0; tap < K * K; ++tap) {
    const std::int64_t pixel = std::int64_t{rows.at(tap / K)} * g.width + columns.at(tap % K);
    in[tap] = load_vector<V>(x + pixel * g.channels);
  }
  TERN_UNROLL
  for (int tap = 0; tap < K * K; ++tap) {
    if (rows.has(tap / K) && columns.has(tap % K)) winner.meet(in[tap], tap);
  }
}
/// Any other kernel.
template <int V, typename T>
__device__ void visit_taps_one_by_one(const T* x, const Taps& rows, const Taps& columns, const Geometry& g,
                                      Winner<V>& winner) {
  for (int r = rows.first; r < rows.end; ++r) {
    const std::int64_t row = std::int64_t{rows.at(r)} * g.width;
    for (int s = columns.first; s < columns.end; ++s) {
      winner.meet(load_vector<V>(x + (row + columns.at(s)) * g.channels), r * g.kernel + s);
    }
  }
}

/// y and index of row blockIdx.x of all images' output rows. K: the kernel's extent, or 0 for any.
template <int V, int K, typename T>
__global__ void __launch_bounds__(kThreads)
    max_pool_forward_kernel(const T* x, T* y, std::uint8_t* index, Geometry g) {
  const std::int64_t image = blockIdx.x / static_cast<unsigned>(g.output_height);
  const Taps rows(static_cast<int>(blockIdx.x % static_cast<unsigned>(g.output_height)), g.height, g);
  for (int i = static_cast<int>(threadIdx.x); i < g.output_width * g.vectors;
       i += static_cast<int>(blockDim.x)) {
    const int column = i / g.vectors, channel = (i - column * g.vectors) * V;
    const Taps columns(column, g.width, g);
    const bool any = rows.first < rows.end && columns.first < columns.end;
    Winner<V> winner(any ? rows.first * g.kernel + columns.first : 0);
    const T* const from = x + image * g.height * g.width * g.channels + channel;
    if constexpr (K == 0) {
      visit_taps_one_by_one(from, rows, columns, g, winner);
    } else if (any) {
      visit_taps<K>(from, rows, columns, g, winner);
    }
    Vector<T, V> result;
    Vector<std::uint8_t, V> taps;
    for (int v = 0; v < V; ++v) {
      result[v] = T(winner.value[v]);
      taps[v] = static_cast<std::uint8_t>(winner.tap[v]);
    }
    const std::int64_t at = (std::int64_t{blockIdx.x} * g.output_width + column) * g.channels + channel;
    store_vector<V>(y + at, result);
    store_vector<V>(index + at, taps);
  }
}

/// The windows [first, end) along one axis that hold position i, all of `outputs`.
struct Windows {
  int first, end;

  __device__ Windows(int i, int outputs, const Geometry& g) {
    const int last = (i + g.padding) / g.stride;
    const int before = i + g.padding - g.kernel;  // the last position whose window ends before i
    first = before < 0 ? 0 : before / g.stride + 1;
    end = last < outputs ? last + 1 : outputs;
  }
};

/// dx of row blockIdx.x of all images' rows: a pixel's windows in order, so the sum is the same in every run.
template <int V, typename T>
__global__ void __launch_bounds__(kThreads)
    max_pool_backward_kernel(const T* dy, const std::uint8_t* index, T* dx, Geometry g) {
  const int row = static_cast<int>(blockIdx.x % static_cast<unsigned>(g.height));
  const std::int64_t image = blockIdx.x / static_cast<unsigned>(g.height);
  const Windows rows(row, g.output_height, g);
  for (int i = static_cast<int>(threadIdx.x); i < g.width * g.vectors; i += static_cast<int>(blockDim.x)) {
    const int column = i / g.vectors, channel = (i - column * g.vectors) * V;
    const Windows columns(column, g.output_width, g);
    float sum[V] = {};
    for (int p = rows.first; p < rows.end; ++p) {
      const int r = row + g.padding - p * g.stride;
      for (int q = columns.first; q < columns.end; ++q) {
        const int tap = r * g.kernel + column + g.padding - q * g.stride;
        const std::int64_t at = ((image * g.output_height + p) * g.output_width + q) * g.channels + channel;
        const Vector<T, V> gradient = load_vector<V>(dy + at);
        const Vector<std::uint8_t, V> winner = load_vector<V>(index + at);
        for (int v = 0; v < V; ++v) sum[v] += winner[v] == tap ? static_cast<float>(gradient[v]) : 0.0f;
      }
    }
    Vector<T, V> result;
    for (int v = 0; v < V; ++v) result[v] = T(sum[v]);
    store_vector<V>(dx + (std::int64_t{blockIdx.x} * g.width + column) * g.channels + channel, result);
  }
}

void check_shape(const PoolShape& shape) {
  constexpr std::int64_t kMax = std::numeric_limits<int>::max() / 2;
  const std::int64_t row =
      std::max(shape.width, shape.output_width) * std::max<std::int64_t>(shape.channels, 1);
  if (shape.kernel < 1 || shape.kernel > 15 || shape.stride < 1 || shape.padding < 0 || row > kMax ||
      std::max(shape.height, shape.output_height) > kMax / shape.stride) {
    throw Error("max_pool", "a kernel of 1..15, a stride of at least 1 and rows of at most 2^30 values",
                "kernel " + std::to_string(shape.kernel) + ", stride " + std::to_string(shape.stride) +
                    ", padding " + std::to_string(shape.padding) + ", " + std::to_string(row) + " values");
  }
}

Geometry geometry_of(const PoolShape& shape, int vector_width) {
  return {static_cast<int>(shape.height),
          static_cast<int>(shape.width),
          static_cast<int>(shape.output_height),
          static_cast<int>(shape.output_width),
          static_cast<int>(shape.channels / vector_width),
          shape.kernel,
          shape.stride,
          shape.padding,
          shape.channels};
}

template <int V, typename T>
void launch_forward(const T* x, T* y, std::uint8_t* index, const PoolShape& shape, Stream stream) {
  const Geometry geometry = geometry_of(shape, V);
  launch(shape.kernel == 3 ? max_pool_forward_kernel<V, 3, T> : max_pool_forward_kernel<V, 0, T>,
         shape.images * shape.output_height, threads_of(shape.output_width * geometry.vectors), 0, stream, x,
         y, index, geometry);
}

template <int V, typename T>
void launch_backward(const T* dy, const std::uint8_t* index, T* dx, const PoolShape& shape, Stream stream) {
  const Geometry geometry = geometry_of(shape, V);
  launch(max_pool_backward_kernel<V, T>, shape.images * shape.height,
         threads_of(shape.width * geometry.vectors), 0, stream, dy, index, dx, geometry);
}

/// True if V indices can be loaded at once: index, like the values, begins rows of channels.
bool index_vectorizes(const std::uint8_t* index, int width) {
  return reinterpret_cast<std::uintptr_t>(index) % static_cast<unsigned>(width) == 0;
}

}  // namespace

template <typename T>
void max_pool_forward(const T* x, T* y, std::uint8_t* index, const PoolShape& shape, Stream stream) {
  check_shape(shape);
  if (shape.images * shape.output_height * shape.output_width * shape.channels == 0) return;
  if (vectorizes(shape.channels, x, y) && index_vectorizes(index, kVectorWidth<T>)) {
    launch_forward<kVectorWidth<T>>(x, y, index, shape, stream);
  } else {
    launch_forward<1>(x, y, index, shape, stream);
  }
}

template <typename T>
void max_pool_backward(const T* dy, const std::uint8_t* index, T* dx, const PoolShape& shape, Stream stream) {
  check_shape(shape);
  if (shape.images * shape.height * shape.width * shape.channels == 0) return;
  if (vectorizes(shape.channels, dy, dx) && index_vectorizes(index, kVectorWidth<T>)) {
    launch_backward<kVectorWidth<T>>(dy, index, dx, shape, stream);
  } else {
    launch_backward<1>(dy, index, dx, shape, stream);
  }
}

#define TERN_INSTANTIATE(T)                                                              \
  template void max_pool_forward(const T*, T*, std::uint8_t*, const PoolShape&, Stream); \
  template void max_pool_backward(const T*, const std::uint8_t*, T*, const PoolShape&, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
