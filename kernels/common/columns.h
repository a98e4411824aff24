// Kernels that work along the columns of a row-major matrix [rows, cols]: how the matrix is divided among
// blocks, and how their sums over rows are combined, in an order that depends on the shape alone.
//
// A thread works on V neighbouring columns (one load) and keeps in registers what belongs to them:
// coefficients or sums. Block (tile, slice) has width x height threads and works on width * V columns, a
// tile, of a slice of the rows: its thread (x, y) on the x-th V columns of the tile and on every height-th
// row of the slice.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "kernels/common/last_block.h"
#include "kernels/common/vector.h"

namespace tern::kernels {

/// How a matrix is divided; computed on the host.
struct ColumnPartition {
  int width, height;  ///< of a block, in threads; width is a power of 2, at most 32
  std::int64_t tiles, slices;
  std::int64_t rows_per_slice;

  dim3 grid() const { return dim3(tiles, slices); }
  dim3 block() const { return dim3(width, height); }
};

/// `vectors`: cols / V, at least 1. `threads`: per block, a multiple of `max_width`. No slice is empty, but
/// rows = 0 makes one slice. There are several slices only if each has at least `min_rows` rows per thread,
/// and at most `max_blocks` blocks unless there are more tiles.
inline ColumnPartition partition_columns(std::int64_t rows, std::int64_t vectors, int threads, int max_width,
                                         std::int64_t max_blocks, std::int64_t min_rows) {
  ColumnPartition partition{};
  partition.width = 1;
  while (partition.width < max_width && partition.width < vectors) partition.width *= 2;
  partition.height = threads / partition.width;
  partition.tiles = ceil_div(vectors, partition.width);
  const std::int64_t slices = std::min(max_blocks / partition.tiles, rows / (partition.height * min_rows));
  partition.rows_per_slice = ceil_div(rows, std::max<std::int64_t>(slices, 1));
  partition.slices = rows == 0 ? 1 : ceil_div(rows, partition.rows_per_slice);
  return partition;
}

/// This thread's part of a matrix.
struct ColumnPart {
  std::int64_t column;  ///< the first of its columns
  bool inside;          ///< false: beyond the last column, and nothing to do
  /// The offsets of that column's elements in the thread's rows: begin, begin + stride, ... below end.
  std::int64_t begin, end, stride;

  __device__ ColumnPart(int columns_per_thread, std::int64_t rows, std::int64_t cols,
                        std::int64_t rows_per_slice)
      : column((std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * columns_per_thread),
        inside(column < cols),
        begin((blockIdx.y * rows_per_slice + threadIdx.y) * cols + column),
        end((rows < (blockIdx.y + 1) * rows_per_slice ? rows : (blockIdx.y + 1) * rows_per_slice) * cols),
        stride(blockDim.y * cols) {}

  /// Calls body(count, at) for `count` of this thread's rows at a time, at the offsets at, at + stride, ...:
  /// for kTogether rows, so that their loads are under way together, and at the end for single rows.
  /// decltype(count)::value is a constant.
  template <int kTogether, typename Body>
  __device__ void for_rows(Body body) const {
    if (!inside) return;
    std::int64_t at = begin;
    for (; at + (kTogether - 1) * stride < end; at += kTogether * stride) {
      body(std::integral_constant<int, kTogether>{}, at);
    }
    for (; at < end; at += stride) body(std::integral_constant<int, 1>{}, at);
  }
};

/// Loads V values as floats; p is aligned to their bytes, 16 at most.
template <int V, typename T>
__device__ void load_floats(const T* p, float (&to)[V]) {
  constexpr int kWidth = V < kVectorWidth<T> ? V : kVectorWidth<T>;
  for (int i = 0; i < V; i += kWidth) {
    const Vector<T, kWidth> values = load_vector<kWidth>(p + i);
    for (int k = 0; k < kWidth; ++k) to[i + k] = float_at(values, k);
  }
}

/// The partial result of a column is N floats, all zero without rows; a Merge merges the second into the
/// first.
template <int N>
struct MergeSums {
  __device__ void operator()(float (&sum)[N], const float (&other)[N]) const {
    for (int n = 0; n < N; ++n) sum[n] += other[n];
  }
};

/// Where float i of an array in shared memory lies: one place in 33 stays unused. So a warp meets no bank twice, whether
/// its lanes take floats that are neighbours or some power of 2 apart.
TERN_HOST_DEVICE constexpr int spread(int i) {
  return i + i / kWarpSize;
}

/// Merges the threads' partial results: thread i gets column i of the tile, if there is one, in `result`.
/// `shared`: N floats, spread, for each warp of the block and each column of the tile; free again after a barrier.
template <int N, int V, typename Merge>
__device__ void merge_block(float (&partial)[V][N], Merge merge, float (&result)[N], auto& shared) {
  const int width = static_cast<int>(blockDim.x), columns = width * V;
  for (int distance = width; distance < kWarpSize; distance *= 2) {  // rows that share a warp
    for (int v = 0; v < V; ++v) {
      float other[N];
      for (int n = 0; n < N; ++n) other[n] = __shfl_xor_sync(kFullMask, partial[v][n], distance);
      merge(partial[v], other);
    }
  }
  const int lane = thread_rank() % kWarpSize, warp = thread_rank() / kWarpSize;
  if (lane < width) {
    for (int v = 0; v < V; ++v) {
      for (int n = 0; n < N; ++n) shared[spread((warp * N + n) * columns + lane * V + v)] = partial[v][n];
    }
  }
  __syncthreads();
  if (thread_rank() >= columns) return;
  const int warps = static_cast<int>(blockDim.x * blockDim.y) / kWarpSize;
  for (int n = 0; n < N; ++n) result[n] = 0;
  for (int w = 0; w < warps; ++w) {
    float other[N];
    for (int n = 0; n < N; ++n) other[n] = shared[spread((w * N + n) * columns + thread_rank())];
    merge(result, other);
  }
}

/// Reductions over rows: threads per block, and threads along a tile at most.
inline constexpr int kColumnThreads = 512;
template <int V>
inline constexpr int kColumnWidth = V == 1 ? 32 : 8;  // which load 128 bytes of a row, a cache line
template <int N, int V>
inline constexpr int kColumnShared = spread(N* kColumnThreads / kWarpSize * kColumnWidth<V> * V);  // floats
/// Two blocks for each of some 130 multiprocessors: enough for the bandwidth, and few partial results to
/// merge.
inline constexpr std::int64_t kMaxColumnBlocks = 256;

template <int V>
ColumnPartition partition_for_reduction(std::int64_t rows, std::int64_t cols) {
  return partition_columns(rows, ceil_div(cols, V), kColumnThreads, kColumnWidth<V>, kMaxColumnBlocks, 4);
}

/// The same with all rows in one block, so that it can go on with what it has summed up: a tile is as narrow as a sector of
/// memory, 32 bytes, so that there are many blocks.
template <int V, typename T>
ColumnPartition partition_for_whole_columns(std::int64_t rows, std::int64_t cols) {
  constexpr int kWidth = 32 / static_cast<int>(V * sizeof(T));
  static_assert(kWidth <= kColumnWidth<V>, "there is shared memory for a tile");
  return partition_columns(rows, ceil_div(cols, V), kColumnThreads, kWidth, 1, rows + 1);  // in one slice
}

/// Device memory of a reduction over rows. First a counter per tile of the blocks that have arrived: 0 before
/// a launch and 0 after. Then partial results. The counters are in the first kMaxColumnBlocks * 4 bytes
/// whatever the shape, so that calls with different shapes may share a workspace.
struct ColumnWorkspace {
  unsigned* arrivals;
  float* partials;  ///< [slices][N][cols]

  explicit ColumnWorkspace(void* memory)
      : arrivals(static_cast<unsigned*>(memory)),
        partials(reinterpret_cast<float*>(arrivals + kMaxColumnBlocks)) {}
};

/// Bytes for n floats per column, by whichever V the columns are loaded.
inline std::size_t column_workspace_bytes(int n, std::int64_t rows, std::int64_t cols) {
  if (cols == 0) return kMaxColumnBlocks * sizeof(unsigned);
  const std::int64_t slices =
      std::max({partition_for_reduction<1>(rows, cols).slices, partition_for_reduction<4>(rows, cols).slices,
                partition_for_reduction<8>(rows, cols).slices});
  return kMaxColumnBlocks * sizeof(unsigned) + static_cast<std::size_t>(slices * n * cols) * sizeof(float);
}

/// The end of a reduction over rows: merges the partial results of threads, then (in the last block of a
/// tile) those of slices, and calls finish(column, result) once for each column, from one thread. Grid and
/// block are those of partition_for_reduction; `shared` has kColumnShared<N, V> floats.
template <int N, int V, typename Merge, typename Finish>
__device__ void reduce_columns(float (&partial)[V][N], Merge merge, std::int64_t cols,
                               ColumnWorkspace workspace, auto& shared, Finish finish) {
  const int columns = static_cast<int>(blockDim.x) * V, rank = thread_rank();
  const std::int64_t column = std::int64_t{blockIdx.x} * columns + rank % columns;
  const bool has_column = rank < columns && column < cols;
  float result[N];
  merge_block(partial, merge, result, shared);
  const std::int64_t slices = gridDim.y;
  if (slices == 1) {
    if (has_column) finish(column, result);
    return;
  }
  for (int n = 0; n < N && has_column; ++n) {
    workspace.partials[(blockIdx.y * std::int64_t{N} + n) * cols + column] = result[n];
  }
  if (!is_last_block(workspace.arrivals + blockIdx.x, gridDim.y)) return;

  // A thread merges every groups-th slice of one column, with the loads of four under way together.
  const int groups = kColumnThreads / columns;
  float sum[N] = {};
  for (std::int64_t slice = rank / columns; slice < slices && column < cols; slice += 4 * groups) {
    float other[4][N] = {};
    for (int k = 0; k < 4 && slice + k * groups < slices; ++k) {
      for (int n = 0; n < N; ++n) {
        other[k][n] = workspace.partials[((slice + k * groups) * N + n) * cols + column];
      }
    }
    for (int k = 0; k < 4; ++k) merge(sum, other[k]);
  }
  for (int n = 0; n < N; ++n) shared[n * kColumnThreads + rank] = sum[n];
  __syncthreads();
  if (!has_column) return;
  for (int n = 0; n < N; ++n) result[n] = 0;
  for (int group = 0; group < groups; ++group) {
    float other[N];
    for (int n = 0; n < N; ++n) other[n] = shared[n * kColumnThreads + group * columns + rank];
    merge(result, other);
  }
  finish(column, result);
}

}  // namespace tern::kernels
