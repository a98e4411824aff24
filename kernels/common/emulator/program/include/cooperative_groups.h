// CUDA's cooperative groups: a block, and tiles of 1 to 32 neighbouring threads. A grid's barrier is refused: all its blocks
// would have to run side by side.
#ifndef TERN_COOPERATIVE_GROUPS_H
#define TERN_COOPERATIVE_GROUPS_H

#include <cuda_runtime.h>

namespace cooperative_groups {

class thread_block {
 public:
  void sync(TernPlace where = TernPlace::current()) const { __syncthreads(where); }
  static unsigned thread_rank() {
    return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  }
  static unsigned size() { return blockDim.x * blockDim.y * blockDim.z; }
  static unsigned num_threads() { return size(); }
  static dim3 group_index() { return blockIdx; }
  static dim3 thread_index() { return threadIdx; }
  static dim3 group_dim() { return blockDim; }
  static dim3 dim_threads() { return blockDim; }
};
inline thread_block this_thread_block() {
  return {};
}

template <unsigned kSize, typename Parent = void>
class thread_block_tile {
  static_assert(kSize >= 1 && kSize <= 32 && (kSize & (kSize - 1)) == 0,
                "tiles have 1, 2, 4, 8, 16 or 32 threads");

 public:
  thread_block_tile() = default;
  template <typename Other>
  thread_block_tile(const thread_block_tile<kSize, Other>&) {}  // NOLINT: CUDA's converts, too
  static constexpr unsigned size() { return kSize; }
  static constexpr unsigned num_threads() { return kSize; }
  static unsigned thread_rank() { return thread_block::thread_rank() % kSize; }
  static unsigned meta_group_rank() { return thread_block::thread_rank() / kSize; }
  static unsigned meta_group_size() { return (thread_block::size() + kSize - 1) / kSize; }

  void sync(TernPlace where = TernPlace::current()) const { __syncwarp(mask(), where); }
  template <typename T>
  T shfl(T value, int source, TernPlace where = TernPlace::current()) const {
    return __shfl_sync(mask(), value, source, kSize, where);
  }
  template <typename T>
  T shfl_down(T value, unsigned distance, TernPlace where = TernPlace::current()) const {
    return __shfl_down_sync(mask(), value, distance, kSize, where);
  }
  template <typename T>
  T shfl_up(T value, unsigned distance, TernPlace where = TernPlace::current()) const {
    return __shfl_up_sync(mask(), value, distance, kSize, where);
  }
  template <typename T>
  T shfl_xor(T value, int bits, TernPlace where = TernPlace::current()) const {
    return __shfl_xor_sync(mask(), value, bits, kSize, where);
  }
  unsigned ballot(int predicate, TernPlace where = TernPlace::current()) const {
    return __ballot_sync(mask(), predicate, where) >> first();
  }
  int any(int predicate, TernPlace where = TernPlace::current()) const {
    return __any_sync(mask(), predicate, where);
  }
  int all(int predicate, TernPlace where = TernPlace::current()) const {
    return __all_sync(mask(), predicate, where);
  }
  template <typename T>
  unsigned match_any(T value, TernPlace where = TernPlace::current()) const {
    return __match_any_sync(mask(), value, where) >> first();
  }

 private:
  static unsigned first() { return tern::emulator::lane() & ~(kSize - 1); }
  static unsigned mask() { return (kSize == 32 ? ~0u : (1u << kSize % 32) - 1) << first(); }
};

template <unsigned kSize, typename Parent>
thread_block_tile<kSize, Parent> tiled_partition(const Parent&) {
  return {};
}

/// A block or a tile of it.
class thread_group {
 public:
  thread_group(const thread_block&)
      : size_(thread_block::size()), is_block_(true) {}  // NOLINT: CUDA's converts, too
  template <unsigned kSize, typename Parent>
  thread_group(const thread_block_tile<kSize, Parent>&) : thread_group(kSize) {}  // NOLINT
  /// A tile of 1, 2, 4, 8, 16 or 32 threads.
  explicit thread_group(unsigned size) : size_(size) {}

  unsigned size() const { return size_; }
  unsigned num_threads() const { return size_; }
  unsigned thread_rank() const { return thread_block::thread_rank() % size_; }
  void sync(TernPlace where = TernPlace::current()) const {
    if (is_block_) return __syncthreads(where);
    const unsigned first = tern::emulator::lane() & ~(size_ - 1);
    __syncwarp((size_ == 32 ? ~0u : (1u << size_ % 32) - 1) << first, where);
  }

 private:
  unsigned size_;
  bool is_block_ = false;
};
inline thread_group tiled_partition(const thread_group&, unsigned size) {
  return thread_group(size);
}

/// Threads that run together: here, each alone (__activemask).
class coalesced_group {
 public:
  void sync() const {}
  static unsigned size() { return 1; }
  static unsigned num_threads() { return 1; }
  static unsigned thread_rank() { return 0; }
  template <typename T>
  T shfl(T value, unsigned) const {
    return value;
  }
  int any(int predicate) const { return predicate; }
  int all(int predicate) const { return predicate; }
};
inline coalesced_group coalesced_threads() {
  return {};
}

class grid_group {
 public:
  static bool is_valid() { return false; }
  void sync(TernPlace where = TernPlace::current()) const {
    tern::emulator::program::refuse_in_kernel("the barrier of a grid",
                                              "Divide the kernel there into one launch after another", where);
  }
  static unsigned long long thread_rank() {
    return block_rank() * thread_block::size() + thread_block::thread_rank();
  }
  static unsigned long long size() { return num_blocks() * thread_block::size(); }
  static unsigned long long num_threads() { return size(); }
  static unsigned long long num_blocks() { return 1ull * gridDim.x * gridDim.y * gridDim.z; }
  static unsigned long long block_rank() {
    return blockIdx.x + 1ull * gridDim.x * (blockIdx.y + 1ull * gridDim.y * blockIdx.z);
  }
  static dim3 group_dim() { return gridDim; }
};
inline grid_group this_grid() {
  return {};
}

template <typename Group>
void sync(const Group& group, TernPlace where = TernPlace::current()) {
  group.sync(where);
}

// Of cooperative_groups/reduce.h.
template <typename T>
struct plus {
  T operator()(T a, T b) const { return a + b; }
};
template <typename T>
struct less {
  T operator()(T a, T b) const { return b < a ? b : a; }
};
template <typename T>
struct greater {
  T operator()(T a, T b) const { return a < b ? b : a; }
};
template <typename Tile, typename T, typename Combine>
T reduce(const Tile& tile, T value, Combine combine, TernPlace where = TernPlace::current()) {
  for (unsigned bits = Tile::size() / 2; bits > 0; bits /= 2) {
    value = combine(value, tile.shfl_xor(value, static_cast<int>(bits), where));
  }
  return value;
}
template <typename Tile, typename T, typename Combine>
T inclusive_scan(const Tile& tile, T value, Combine combine, TernPlace where = TernPlace::current()) {
  for (unsigned distance = 1; distance < Tile::size(); distance *= 2) {
    const T before = tile.shfl_up(value, distance, where);
    if (Tile::thread_rank() >= distance) value = combine(before, value);
  }
  return value;
}
template <typename Tile, typename T>
T inclusive_scan(const Tile& tile, T value, TernPlace where = TernPlace::current()) {
  return inclusive_scan(tile, value, plus<T>(), where);
}

}  // namespace cooperative_groups

#endif
