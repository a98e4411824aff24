// How the rows of a matrix are divided among threads, by their width. V values of a row per thread:
//
//   up to 512 columns    1, 2, 4 .. 32 lanes of a warp per row, V = 16; several rows per warp
//   up to 1024           a warp per row, V = 32, in 16-byte vectors
//   up to 8192           a block per row, V = 16 (bfloat16 in vectors: V = 32, and so up to 16384 columns)
//   beyond               a block per row, in tiles of 16 values per thread
//
// Vectors have 16 bytes (N elements) where every row begins on 16 bytes, else one element (N = 1).
//
// Blocks are small enough that two fit on a multiprocessor: one loads while the other computes or stores.
// Only rows that fill more than half of its shared memory have a multiprocessor for themselves.
#pragma once

#include <type_traits>

#include "kernels/common/kernel.h"
#include "kernels/common/vector.h"

namespace tern::kernels {

inline constexpr int kShortFragment = 16, kLongFragment = 32;  // values per thread
inline constexpr int kSharedBlockThreads = 128;                // of a block that has several rows

/// Values per thread where a block has a row: bfloat16s take half a register each while they wait.
template <int N>
inline constexpr int kBlockFragment = N == 8 ? kLongFragment : kShortFragment;
/// __launch_bounds__ of a kernel with V values per thread. Single elements need more registers for their
/// addresses.
template <int N, int V>
inline constexpr int kMaxThreads = V <= kBlockFragment<N> ? 512 : 256;
template <int N>
inline constexpr int kMinBlocks = N == 1 ? 1 : 2;
/// The same of a kernel for rows in tiles.
template <int N>
inline constexpr int kMaxTileThreads = N == 1 ? 512 : 1024;

/// The widest row in the registers of a warp, and of a block.
template <int N>
inline constexpr int kWarpColumns = kWarpSize*(N == 1 ? kShortFragment : kLongFragment);
template <int N>
inline constexpr int kBlockColumns = kMaxThreads<N, kBlockFragment<N>>* kBlockFragment<N>;

/// How a kernel over rows is launched.
struct RowPartition {
  dim3 grid, block;
  std::int64_t kept = 0;  ///< of rows in tiles: vectors of each input that stay in shared memory
};

/// For rows in tiles. A row that fits five eighths of the shared memory gets half of it at most, and 512
/// threads, so that two blocks share a multiprocessor.
template <typename T, int N>
RowPartition partition_into_tiles(std::int64_t rows, std::int64_t cols, int inputs) {
  constexpr std::int64_t kReserved = 2048;  // per block: more than static arrays and the driver take
  constexpr std::int64_t kVectorBytes = sizeof(Vector<T, N>);
  const std::int64_t bytes_per_row = inputs * cols / N * kVectorBytes;
  std::int64_t shared = static_cast<std::int64_t>(max_shared_bytes()) - kReserved;
  std::int64_t max_threads = kMaxTileThreads<N>;
  if (bytes_per_row <= shared * 5 / 8) {
    shared = shared / 2 - kReserved;
    max_threads = 512;
  }
  const std::int64_t kept = bytes_per_row <= shared ? cols / N : shared / (inputs * kVectorBytes);
  const std::int64_t tiles = ceil_div(cols, max_threads * kShortFragment);  // of equal width
  return {dim3(rows), dim3(ceil_div(cols, tiles * kWarpSize * kShortFragment) * kWarpSize), kept};
}

/// `inputs`: matrices of which a thread reads the same row; `threads`: of a block that has several rows.
template <typename T, int N>
RowPartition partition_rows(std::int64_t rows, std::int64_t cols, int inputs,
                            int threads = kSharedBlockThreads) {
  if (cols > kBlockColumns<N>) return partition_into_tiles<T, N>(rows, cols, inputs);
  if (cols > kWarpColumns<N>) {
    return {dim3(rows), dim3(ceil_div(cols, kWarpSize * kBlockFragment<N>) * kWarpSize)};
  }
  // As few lanes as hold the row, but 8 if they have work: together they load 128 bytes, a cache line.
  int lanes = 1;
  while (lanes < kWarpSize && (lanes * kShortFragment < cols || (lanes < 8 && lanes * N < cols))) lanes *= 2;
  return {dim3(ceil_div(rows, threads / lanes)), dim3(lanes, threads / lanes)};
}

/// Calls body(n, v) with constants: n() elements per vector, v() values per thread, or 0 for tiles.
template <typename T, typename Body>
void with_row_widths(bool vectorized, std::int64_t cols, Body body) {
  const auto with_values = [&](auto n) {
    constexpr int N = n();
    if (cols > kBlockColumns<N>) return body(n, std::integral_constant<int, 0>());
    if constexpr (N > 1) {
      const bool is_long =
          cols > kWarpColumns<N> ? kBlockFragment<N> == kLongFragment : cols > kWarpSize * kShortFragment;
      if (is_long) return body(n, std::integral_constant<int, kLongFragment>());
    }
    return body(n, std::integral_constant<int, kShortFragment>());
  };
  if (vectorized) return with_values(std::integral_constant<int, kVectorWidth<T>>());
  return with_values(std::integral_constant<int, 1>());
}

}  // namespace tern::kernels
