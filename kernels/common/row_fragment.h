// A thread's share of a row of a row-major matrix [rows, cols], held in registers.
//
// threadIdx.x runs along a row and threadIdx.y over the rows of a block: a row belongs to some lanes of a
// warp, to a warp or to a block, by its width (kernels/common/row_partition.h).
#pragma once

#include "kernels/common/reduce.h"
#include "kernels/common/vector.h"

namespace tern::kernels {

/// The row that this thread works on; may be beyond the last one.
__device__ inline std::int64_t row_of_thread() {
  return std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
}

/// Combines a value per thread over the threads of a row, all of which get the result. `partial`: shared
/// memory as for block_reduce.
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
/// Ignores NaN: sums that follow become NaN by themselves.
__device__ inline float row_max(float value, auto& partial) {
  return row_reduce(
      value, -INFINITY, [](float a, float b) { return fmaxf(a, b); }, partial);
}

/// This thread's V of `width` columns: V / N vectors of N neighbours, the k-th of which begins at column(k).
/// Values whose column is not below `width` are undefined. kTile: the row is a tile, one of many in a loop.
template <typename T, int N, int V, bool kTile = false>
struct RowFragment {
  static constexpr int kValues = V, kVectors = V / N;
  Vector<T, N> vectors[kVectors];

  /// Neighbouring threads have neighbouring vectors, so that a warp's load is one stretch of memory.
  __device__ static int column(int k) {
    return (k * static_cast<int>(blockDim.x) + static_cast<int>(threadIdx.x)) * N;
  }
  __device__ float operator[](int i) const { return float_at(vectors[i / N], i % N); }

  /// Vectors beyond the width load the thread's first one instead, which no other thread stores to: a branch around each
  /// load would make the loads wait for one another.
  __device__ void load(const T* row, int width) {
    if (column(0) >= width) return;
    TERN_UNROLL
    for (int k = 0; k < kVectors; ++k) {
      vectors[k] = load_vector<N>(row + (column(k) < width ? column(k) : column(0)));
    }
  }
  /// Calls visit(i, c) for each value below the width: (*this)[i] is column c's.
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

}  // namespace tern::kernels
