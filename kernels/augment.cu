// A thread computes 16 bytes of y at a time, so that stores coalesce: the values of up to 4 neighbouring
// pixels, whose bytes it gathers from the source. A block works on a chunk of one image, with the table in
// shared memory. Bound by bandwidth: y is written once, and the source is read from memory once, then from
// the caches.
#include "kernels/augment.h"

#include <string>

#include "kernels/common/kernel.h"
#include "kernels/common/vector.h"

namespace tern::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kVectorsPerThread = 4;
constexpr int kTableSize = 3 * 256;
constexpr int kMaxSize = 4096;  // of an image's side: coordinates in 16.16 fixed point then fit 32 bits

/// An image of the batch, with its rotation narrowed to 32 bits.
struct Source {
  const std::uint8_t* pixels;
  std::int32_t xx, xy, x0, yx, yy, y0;
  bool flip;
};

__device__ inline Source source_of(const AugmentImage& image) {
  const InverseRotation& from = image.rotation;
  return {image.pixels,
          static_cast<std::int32_t>(from.xx),
          static_cast<std::int32_t>(from.xy),
          static_cast<std::int32_t>(from.x0),
          static_cast<std::int32_t>(from.yx),
          static_cast<std::int32_t>(from.yy),
          static_cast<std::int32_t>(from.y0),
          image.flip};
}

/// 3/4 a + 1/4 b, rounded half up: Pillow's weights of a twofold enlargement, which 22 fractional bits hold
/// exactly.
__device__ inline int blend(int a, int b) {
  return (3 * a + b + 2) >> 2;
}

/// Where the channels of a pixel of the (perhaps enlarged, then perhaps flipped) image come from.
struct Pixel {
  bool inside;       ///< false: beyond the border, where the rotation fills with zeros
  int near, near_x;  ///< offset of the source pixel itself, and of its horizontal neighbour
  int far, far_x;    ///< the same in the neighbouring row; only where the image is enlarged
};

/// The second source pixel of pixel i of an enlarged row or column, beside i / 2: the one before that for
/// even i, the one after for odd i. At the border it is i / 2 itself: blend(a, a) is a, as with Pillow's
/// single weight of 1.
__device__ inline int neighbour(int i, int small) {
  const int other = i / 2 + (i % 2 == 0 ? -1 : 1);
  return other < 0 ? 0 : other < small ? other : small - 1;
}

template <bool kEnlarge>
__device__ Pixel find_pixel(const Source& source, int x, int y, int size) {
  int from_x = (source.x0 + source.xy * y + source.xx * x) >> 16;
  const int from_y = (source.y0 + source.yy * y + source.yx * x) >> 16;
  if (from_x < 0 || from_x >= size || from_y < 0 || from_y >= size) return {};
  if (source.flip) from_x = size - 1 - from_x;
  if constexpr (kEnlarge) {
    const int small = size / 2, near = from_x / 2, far = neighbour(from_x, small);
    const int near_row = from_y / 2 * small, far_row = neighbour(from_y, small) * small;
    return {true, 3 * (near_row + near), 3 * (near_row + far), 3 * (far_row + near), 3 * (far_row + far)};
  } else {
    return {true, 3 * (from_y * size + from_x), 0, 0, 0};
  }
}

template <bool kEnlarge>
__device__ int byte_of(const Source& source, const Pixel& pixel, int channel) {
  if (!pixel.inside) return 0;
  const std::uint8_t* from = source.pixels + channel;
  if constexpr (kEnlarge) {  // horizontally first, rounded to a byte, then vertically, as Pillow does
    return blend(blend(from[pixel.near], from[pixel.near_x]), blend(from[pixel.far], from[pixel.far_x]));
  } else {
    return from[pixel.near];
  }
}

/// N values of y that begin with value `first` of the image.
template <int N, bool kEnlarge, typename T>
__device__ Vector<T, N> compute_values(const Source& source, auto& values, int first, int size) {
  const int pixel = first / 3, channel = first - 3 * pixel;
  int y = pixel / size, x = pixel - y * size;
  Pixel pixels[(N + 1) / 3 + 1];  // as many as N values can touch
  for (Pixel& each : pixels) {
    each = find_pixel<kEnlarge>(source, x, y, size);
    if (++x == size) {
      x = 0;
      ++y;  // perhaps below the image: such a pixel is not read
    }
  }
  Vector<T, N> result;
  for (int k = 0; k < N; ++k) {  // value k is of pixel (channel + k) / 3: one of two, whatever the channel
    const bool same = k % 3 == 0 || channel < 3 - k % 3;
    const int of_channel = channel + k % 3 - (same ? 0 : 3);
    // Selects among registers, which an index by a variable could not.
    const Pixel from = same ? pixels[k / 3] : pixels[k / 3 + 1];
    const int byte = byte_of<kEnlarge>(source, from, of_channel);
    result[k] = values[of_channel * 256 + byte];
  }
  return result;
}

/// Block (chunk, image) writes the vectors [chunk * kThreads * kVectorsPerThread, ...) of its image.
template <int N, bool kEnlarge, typename T>
__global__ void __launch_bounds__(kThreads)
    augment_kernel(const AugmentImage* images, const float* table, T* y, int size, int chunks) {
  TERN_SHARED(T, values, kTableSize);
  for (int i = static_cast<int>(threadIdx.x); i < kTableSize; i += kThreads) values[i] = T(table[i]);
  __syncthreads();
  const std::int64_t image = blockIdx.x / static_cast<unsigned>(chunks);
  const int chunk = static_cast<int>(blockIdx.x % static_cast<unsigned>(chunks));
  const Source source = source_of(images[image]);
  const int count = size * size * 3;
  T* const to = y + image * count;
  for (int step = 0; step < kVectorsPerThread; ++step) {
    const int first = ((chunk * kVectorsPerThread + step) * kThreads + static_cast<int>(threadIdx.x)) * N;
    if (first < count) {
      store_vector<N>(to + first, compute_values<N, kEnlarge, T>(source, values, first, size));
    }
  }
}

template <int N, bool kEnlarge, typename T>
void launch_augment(const AugmentImage* images, const float* table, T* y, std::int64_t count, int size,
                    Stream stream) {
  const std::int64_t chunks = ceil_div(std::int64_t{size} * size * 3, N * kThreads * kVectorsPerThread);
  launch(augment_kernel<N, kEnlarge, T>, count * chunks, kThreads, 0, stream, images, table, y, size, chunks);
}

}  // namespace

template <typename T>
void augment(const AugmentImage* images, const float* table, T* y, std::int64_t count, int source_size,
             int size, Stream stream) {
  const bool enlarge = size != source_size;
  if (size < 1 || size > kMaxSize || source_size < 1 || (enlarge && size != 2 * source_size)) {
    throw Error("augment", "images of the wanted size, at most 4096, or of half of it",
                std::to_string(source_size) + " -> " + std::to_string(size));
  }
  if (count == 0) return;
  // Every image of y begins on 16 bytes, too.
  const bool wide = vectorizes(std::int64_t{size} * size * 3, y);
  constexpr int kWidth = kVectorWidth<T>;
  if (wide && enlarge) {
    launch_augment<kWidth, true>(images, table, y, count, size, stream);
  } else if (wide) {
    launch_augment<kWidth, false>(images, table, y, count, size, stream);
  } else if (enlarge) {
    launch_augment<1, true>(images, table, y, count, size, stream);
  } else {
    launch_augment<1, false>(images, table, y, count, size, stream);
  }
}

template void augment(const AugmentImage*, const float*, float*, std::int64_t, int, int, Stream);
template void augment(const AugmentImage*, const float*, bfloat16*, std::int64_t, int, int, Stream);

}  // namespace tern::kernels
