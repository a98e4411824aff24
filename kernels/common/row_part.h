// Rows of a row-major [rows, cols], each read once: how threads share a row, by its width.
//
//   up to 512 columns    1, 2, 4 .. 32 lanes of a warp a row, 16 values a thread; several rows a warp
//   up to 1024           a warp a row, 32 values a thread, in 16-byte vectors
//   up to 8192           a block a row, 16 values a thread; of bfloat16, in vectors, 32 and so up to 16384
//   beyond               a block a row, tile after tile; what fits is kept in shared memory, the rest is read
//                        again
//
// Blocks are so small that a multiprocessor has room for two, of which one may load while the other computes
// or stores; but for rows that take more than half of its shared memory.
//
// threadIdx.x runs along the row and threadIdx.y over the rows of a block, so one kernel serves the first
// three; V, the values a thread holds, makes two of it. Vectors are of 16 bytes where the rows allow it (N
// elements), else of one element.
#pragma once

#include <type_traits>

#include "kernels/common/reduce.h"
#include "kernels/common/vector.h"

namespace tern::kernels {

inline constexpr int kShortPart = 16, kLongPart = 32;  // values a thread
inline constexpr int kRowBlock = 128;                  // threads that share their block among several rows

/// Values a thread where a block holds a row: of bfloat16, in vectors of 8, as many as fill f32's registers.
template <int N>
inline constexpr int kBlockPart = N == 8 ? kLongPart : kShortPart;
/// The most threads of a block whose kernel holds V values a thread in vectors of N.
template <int N, int V>
inline constexpr int kThreadsFor = V <= kBlockPart<N> ? 512 : 256;
/// Such blocks that a multiprocessor has room for. Single elements need more registers for their addresses.
template <int N>
inline constexpr int kBlocksAtOnce = N == 1 ? 1 : 2;
/// The most threads of a block whose row is in tiles.
template <int N>
inline constexpr int kTileThreads = N == 1 ? 512 : 1024;

__device__ inline std::int64_t row_of_thread() {
  return std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
}

/// Over the threads of a row, all of which get the result: part of a warp, or a block.
template <typename T, typename Combine>
__device__ T row_reduce(T value, T identity, Combine combine, auto& partial) {
  if (blockDim.x > kWarpSize) return block_reduce(value, identity, combine, partial);
  for (int distance = static_cast<int>(blockDim.x) / 2; distance > 0; distance /= 2) {
    value = combine(value, __shfl_xor_sync(kFullMask, value, distance));
  }
  return value;
}
__device__ inline float row_sum(float value, auto& partial) {
  return row_reduce(
      value, 0.0f, [](float a, float b) { return a + b; }, partial);
}
/// Leaves NaN out: the sum that follows will be NaN by itself.
__device__ inline float row_max(float value, auto& partial) {
  return row_reduce(
      value, -INFINITY, [](float a, float b) { return fmaxf(a, b); }, partial);
}

/// A thread's share of the `width` columns from `row` on: V / N vectors, the k-th at column(k). Values
/// outside may be anything.
template <typename T, int N, int V, bool kTile = false>
struct RowPart {
  static constexpr int kVectors = V / N;
  Vector<T, N> vectors[kVectors];

  __device__ static int column(int k) {
    return (k * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x)) * N;
  }
  __device__ float operator[](int i) const { return float_at(vectors[i / N], i % N); }

  /// Outside it loads the row's beginning once more: with a branch around each, loads would wait for one
  /// another.
  __device__ void load(const T* row, int width) {
    if (width <= 0) return;
    TERN_UNROLL
    for (int k = 0; k < kVectors; ++k) {
      vectors[k] = load_vector<N>(row + (column(k) < width ? column(k) : 0));
    }
  }
  /// visit(i, c) for the values inside: (*this)[i] is that of column c.
  template <typename Visit>
  __device__ static void for_each(int width, Visit visit) {
    TERN_UNROLL
    for (int k = 0; k < kVectors; ++k) {
      if (column(k) >= width) continue;
      TERN_UNROLL
      for (int j = 0; j < N; ++j) visit(k * N + j, column(k) + j);
    }
  }
  /// row[c] = value(i, c)
  template <typename Value>
  __device__ static void store(T* row, int width, Value value) {
    TERN_UNROLL
    for (int k = 0; k < kVectors; ++k) {
      if (column(k) >= width) continue;
      Vector<T, N> result;
      TERN_UNROLL
      for (int j = 0; j < N; ++j) result[j] = T(value(k * N + j, column(k) + j));
      if constexpr (kTile) {
        store_whole(row + column(k), result);
      } else {
        store_vector(row + column(k), result);
      }
    }
  }
};

/// A block's row in tiles of blockDim.x * kShortPart columns. The first `kept` vectors stay in shared memory,
/// from `slot` on.
template <typename T, int N>
struct TiledRow {
  using Part = RowPart<T, N, kShortPart, /*kTile=*/true>;
  const T* row;
  std::int64_t cols, kept, slot;

  __device__ static std::int64_t tile() { return std::int64_t{blockDim.x} * kShortPart; }
  __device__ int width(std::int64_t start) const {
    return static_cast<int>(cols - start < tile() ? cols - start : tile());
  }
  __device__ std::int64_t last() const { return (cols - 1) / tile() * tile(); }

  __device__ Part load(std::int64_t start) const {
    Part part;
    part.load(row + start, width(start));
    return part;
  }
  /// And keeps what is to be kept.
  __device__ Part load(std::int64_t start, auto& shared) const {
    const Part part = load(start);
    TERN_UNROLL
    for (int k = 0; k < Part::kVectors; ++k) {
      const std::int64_t place = (start + Part::column(k)) / N;
      if (place < kept && Part::column(k) < width(start)) shared[slot + place] = part.vectors[k];
    }
    return part;
  }
  /// The same tile, from where it is nearer.
  __device__ Part load_again(std::int64_t start, auto& shared) const {
    Part part;
    TERN_UNROLL
    for (int k = 0; k < Part::kVectors; ++k) {
      if (Part::column(k) >= width(start)) continue;
      const std::int64_t place = (start + Part::column(k)) / N;
      if (place < kept) {
        part.vectors[k] = shared[slot + place];
      } else {
        part.vectors[k] = load_vector<N>(row + start + Part::column(k));
      }
    }
    return part;
  }
};

/// The widest row that a warp holds, and a block.
template <int N>
inline constexpr int kWarpColumns = kWarpSize*(N == 1 ? kShortPart : kLongPart);
template <int N>
inline constexpr int kBlockColumns = kThreadsFor<N, kBlockPart<N>>* kBlockPart<N>;

/// How to launch over rows.
struct RowShape {
  dim3 grid, block;
  std::int64_t kept = 0;  ///< vectors of each input that a block of tiles keeps in shared memory
};

/// For rows in tiles. One of which most fits half of the shared memory gets no more than that.
template <typename T, int N>
RowShape tile_shape(std::int64_t rows, std::int64_t cols, int inputs) {
  constexpr std::int64_t kOther = 2048;  // more than kernels declare themselves and the device takes, a block
  constexpr std::int64_t kVectorBytes = sizeof(Vector<T, N>);
  const std::int64_t row_bytes = inputs * cols / N * kVectorBytes;
  std::int64_t shared = static_cast<std::int64_t>(most_shared_bytes()) - kOther, threads = kTileThreads<N>;
  if (row_bytes <= shared * 5 / 8) {
    shared = shared / 2 - kOther;
    threads = 512;
  }
  const std::int64_t kept = row_bytes <= shared ? cols / N : shared / (inputs * kVectorBytes);
  const std::int64_t tiles = ceil_div(cols, threads * kShortPart);  // of one width
  return {dim3(rows), dim3(ceil_div(cols, tiles * kWarpSize * kShortPart) * kWarpSize), kept};
}

/// `inputs`: rows that a block of tiles reads twice; `block_threads`: of a block that several rows share.
template <typename T, int N>
RowShape row_shape(std::int64_t rows, std::int64_t cols, int inputs, int block_threads = kRowBlock) {
  if (cols > kBlockColumns<N>) return tile_shape<T, N>(rows, cols, inputs);
  if (cols > kWarpColumns<N>) {
    return {dim3(rows), dim3(ceil_div(cols, kWarpSize * kBlockPart<N>) * kWarpSize)};
  }
  // As few lanes as hold the row, but 8 if they have work: they load 128 bytes in a line.
  int lanes = 1;
  while (lanes < kWarpSize && (lanes * kShortPart < cols || (lanes < 8 && lanes * N < cols))) lanes *= 2;
  return {dim3(ceil_div(rows, block_threads / lanes)), dim3(lanes, block_threads / lanes)};
}

/// Calls body(n, v): n() elements a vector, v() values a thread, or 0 for tiles.
template <typename T, typename Body>
void with_row_path(bool wide, std::int64_t cols, Body body) {
  const auto by_width = [&](auto n) {
    constexpr int N = n();
    if (cols > kBlockColumns<N>) return body(n, std::integral_constant<int, 0>());
    if constexpr (N > 1) {
      const bool long_parts =
          cols > kWarpColumns<N> ? kBlockPart<N> == kLongPart : cols > kWarpSize * kShortPart;
      if (long_parts) return body(n, std::integral_constant<int, kLongPart>());
    }
    return body(n, std::integral_constant<int, kShortPart>());
  };
  if (wide) return by_width(std::integral_constant<int, kVectorWidth<T>>());
  return by_width(std::integral_constant<int, 1>());
}

}  // namespace tern::kernels
