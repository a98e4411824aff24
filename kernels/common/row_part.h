// Rows of a row-major [rows, cols], each read once: how threads share a row, by its width.
//
//   up to 512 columns    1, 2, 4 .. 32 lanes of a warp a row, 16 values a thread; several rows a warp
//   up to 1024           a warp a row, 32 values a thread, in 16-byte vectors
//   up to 16384          a block a row, 16 values a thread; up to 8192 where vectors are of one element
//   beyond               a block a row, tile after tile; what fits is kept in shared memory, the rest is read
//                        again
//
// threadIdx.x runs along the row and threadIdx.y over the rows of a block, so one kernel serves the first and
// third; V, the values a thread holds, makes another of the second. Vectors are of 16 bytes where the rows
// allow it (N elements), else of one element.
#pragma once

#include <type_traits>

#include "kernels/common/reduce.h"
#include "kernels/common/vector.h"

namespace tern::kernels {

inline constexpr int kShortPart = 16, kLongPart = 32;  // values a thread
inline constexpr int kRowBlock = 128;                  // threads that share their block among several rows

/// The most threads of a block that shares a row. Single elements need more registers for their addresses.
template <int N>
inline constexpr int kMostThreads = N == 1 ? 512 : 1024;
/// The most threads of a block whose kernel holds V values a thread in vectors of N.
template <int N, int V>
inline constexpr int kThreadsFor = V == kLongPart ? 256 : kMostThreads<N>;

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
template <typename T, int N, int V>
struct RowPart {
  static constexpr int kVectors = V / N;
  Vector<T, N> vectors[kVectors];

  __device__ static int column(int k) {
    return (k * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x)) * N;
  }
  __device__ float operator[](int i) const { return static_cast<float>(vectors[i / N][i % N]); }

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
      store_vector<N>(row + column(k), result);
    }
  }
};

/// A block's row in tiles of blockDim.x * kShortPart columns. The first `kept` vectors stay in shared memory,
/// from `slot` on.
template <typename T, int N>
struct TiledRow {
  using Part = RowPart<T, N, kShortPart>;
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

/// The widest row that part of a warp holds.
template <int N>
inline constexpr int kWarpColumns = kWarpSize*(N == 1 ? kShortPart : kLongPart);

/// How to launch over rows.
struct RowShape {
  dim3 grid, block;
};

/// `block_threads`: of a block that several rows share.
template <int N>
RowShape row_shape(std::int64_t rows, std::int64_t cols, int block_threads = kRowBlock) {
  if (cols > kWarpColumns<N>) {
    const std::int64_t threads = ceil_div(cols, kWarpSize * kShortPart) * kWarpSize;
    return {dim3(rows), dim3(std::min<std::int64_t>(threads, kMostThreads<N>))};
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
    if constexpr (N > 1) {
      const bool long_parts = cols > kWarpSize * kShortPart && cols <= kWarpColumns<N>;
      if (long_parts) return body(n, std::integral_constant<int, kLongPart>());
    }
    if (cols > kMostThreads<N> * kShortPart) return body(n, std::integral_constant<int, 0>());
    return body(n, std::integral_constant<int, kShortPart>());
  };
  if (wide) return by_width(std::integral_constant<int, kVectorWidth<T>>());
  return by_width(std::integral_constant<int, 1>());
}

/// Vectors of each of `inputs` rows that a block of tiles keeps in shared memory.
template <typename T, int N>
std::int64_t kept_vectors(std::int64_t cols, int inputs) {
  constexpr std::size_t kStatic = 1024;  // more than the kernels declare themselves
  const std::size_t fit = (most_shared_bytes() - kStatic) / (inputs * sizeof(Vector<T, N>));
  return std::min(cols / N, static_cast<std::int64_t>(fit));
}

}  // namespace tern::kernels
