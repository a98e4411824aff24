// CUDA's cooperative groups: a block, and tiles of 1 to 32 neighbouring threads. A grid's barrier is refused: all its blocks
// would have to run side by side.
#ifndef TERN_COOPERATIVE_GROUPS_H
#define TERN_COOPERATIVE_GROUPS_H

#include <cuda_runtime.h>

#include <utility>

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
  static unsigned mask() { return (kSize == 32 ? ~0u : (1u << kSize % 32) - 1) << first(); }

 private:
  static unsigned first() { return tern::emulator::lane() & ~(kSize - 1); }
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

/// Some lanes of a warp.
class coalesced_group {
 public:
  explicit coalesced_group(unsigned mask) : mask_(mask) {}
  unsigned size() const { return static_cast<unsigned>(__popc(mask_)); }
  unsigned num_threads() const { return size(); }
  unsigned thread_rank() const {
    return static_cast<unsigned>(__popc(mask_ & ((1u << tern::emulator::lane()) - 1)));
  }
  unsigned meta_group_rank() const { return 0; }
  unsigned meta_group_size() const { return 1; }

  void sync(TernPlace where = TernPlace::current()) const { __syncwarp(mask_, where); }
  template <typename T>
  T shfl(T value, unsigned source, TernPlace where = TernPlace::current()) const {
    return __shfl_sync(mask_, value, lane_of(source % size()), where);
  }
  template <typename T>
  T shfl_down(T value, unsigned distance, TernPlace where = TernPlace::current()) const {
    const unsigned source = thread_rank() + distance;
    return __shfl_sync(mask_, value, lane_of(source < size() ? source : thread_rank()), where);
  }
  template <typename T>
  T shfl_up(T value, unsigned distance, TernPlace where = TernPlace::current()) const {
    const unsigned rank = thread_rank();
    return __shfl_sync(mask_, value, lane_of(rank >= distance ? rank - distance : rank), where);
  }
  unsigned ballot(int predicate, TernPlace where = TernPlace::current()) const {
    return by_rank(__ballot_sync(mask_, predicate, where));
  }
  int any(int predicate, TernPlace where = TernPlace::current()) const {
    return __any_sync(mask_, predicate, where);
  }
  int all(int predicate, TernPlace where = TernPlace::current()) const {
    return __all_sync(mask_, predicate, where);
  }
  template <typename T>
  unsigned match_any(T value, TernPlace where = TernPlace::current()) const {
    return by_rank(__match_any_sync(mask_, value, where));
  }
  unsigned mask() const { return mask_; }

 private:
  int lane_of(unsigned rank) const {
    unsigned rest = mask_;
    for (; rank > 0; --rank) rest &= rest - 1;
    return __ffs(static_cast<int>(rest)) - 1;
  }
  unsigned by_rank(unsigned lanes) const {
    unsigned ranks = 0;
    for (unsigned rank = 0; rank < size(); ++rank) ranks |= (lanes >> lane_of(rank) & 1u) << rank;
    return ranks;
  }

  unsigned mask_;
};
/// Threads that run together: here, each alone (__activemask).
inline coalesced_group coalesced_threads() {
  return coalesced_group(1u << tern::emulator::lane());
}
/// Of a tile's threads, those that bring the same.
template <typename Group, typename T>
coalesced_group labeled_partition(const Group& group, T label, TernPlace where = TernPlace::current()) {
  return coalesced_group(__match_any_sync(group.mask(), label, where));
}
template <typename Group>
coalesced_group binary_partition(const Group& group, bool predicate, TernPlace where = TernPlace::current()) {
  const unsigned yes = __ballot_sync(group.mask(), predicate, where);
  return coalesced_group(predicate ? yes : group.mask() & ~yes);
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

/// By one thread of the group.
template <typename Group, typename Function, typename... Arguments>
void invoke_one(const Group& group, Function&& function, Arguments&&... arguments) {
  if (group.thread_rank() == 0) function(std::forward<Arguments>(arguments)...);
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
template <typename T, typename Combine>
T reduce(const coalesced_group& group, T value, Combine combine, TernPlace where = TernPlace::current()) {
  T all = group.shfl(value, 0, where);
  for (unsigned rank = 1; rank < group.size(); ++rank) all = combine(all, group.shfl(value, rank, where));
  return all;
}
template <typename Group, typename T, typename Combine>
T inclusive_scan(const Group& group, T value, Combine combine, TernPlace where = TernPlace::current()) {
  for (unsigned distance = 1; distance < group.size(); distance *= 2) {
    const T before = group.shfl_up(value, distance, where);
    if (group.thread_rank() >= distance) value = combine(before, value);
  }
  return value;
}
template <typename Group, typename T>
T inclusive_scan(const Group& group, T value, TernPlace where = TernPlace::current()) {
  return inclusive_scan(group, value, plus<T>(), where);
}
/// The first thread has T().
template <typename Group, typename T, typename Combine>
T exclusive_scan(const Group& group, T value, Combine combine, TernPlace where = TernPlace::current()) {
  const T before = group.shfl_up(inclusive_scan(group, value, combine, where), 1, where);
  return group.thread_rank() == 0 ? T() : before;
}
template <typename Group, typename T>
T exclusive_scan(const Group& group, T value, TernPlace where = TernPlace::current()) {
  return exclusive_scan(group, value, plus<T>(), where);
}

}  // namespace cooperative_groups

#endif
