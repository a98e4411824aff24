// What orders threads of a launch beyond their block's barriers: fences and atomics. For the emulator alone.
//
// What a thread did, and what its block did before a barrier that it passed, is released by its fence and a later atomic of its
// own, or of its block after a barrier. Who does an atomic at the same address after that acquires it, with what had been
// acquired before it was released: at once for itself, after __syncwarp for its warp, after __syncthreads for its block. (CUDA's
// memory model wants a fence after the second atomic, too; NVIDIA's own samples do without.)
//
// Each address has a list of releases, to which it only adds: what a block has acquired is how many of them.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "kernels/common/emulator/touch.h"

namespace tern::emulator {

class ThreadOrder {
 public:
  explicit ThreadOrder(unsigned threads);

  void begin_block();
  void note_barrier();
  void note_sync(unsigned warp);
  /// `of_block`: for this block's threads alone.
  void note_fence(bool of_block);
  /// Around the running thread's atomic, which is kept as `touch`.
  void acquire(std::uintptr_t at);
  void release(std::uintptr_t at, const Touch& touch);

  /// Whether the running thread has acquired what a touch was released with.
  bool orders(const Touch& before) const;
  /// An atomic by the touch's block, after it, at an address that this block has done an atomic at, too: one that orders
  /// nothing, for want of a fence.
  std::optional<Touch> unfenced_atomic(const Touch& before) const;

  std::size_t kept_bytes() const { return releases_ * (sizeof(Release) + sizeof(ReleaseId)); }

 private:
  /// Releases acquired, from the first, by number of the address.
  using Known = std::unordered_map<std::uint32_t, std::uint32_t>;
  struct Fence {
    std::uint32_t time = 0, barrier = 0,
                  sync = 0;  ///< when it was, and the last barrier and __syncwarp before it
  };
  using Fences = std::vector<Fence>;  ///< the last one of each thread; a time of 0: none
  struct Release {
    std::uint32_t block;
    std::int16_t thread;
    bool of_block;
    Fence fence;
    std::shared_ptr<const std::vector<std::uint32_t>> before_barrier;  ///< fences of others: when, by thread
    std::shared_ptr<const Known> known;  ///< what this and those before it had acquired elsewhere
  };
  struct ReleaseId {
    std::uint32_t place, index;
  };
  struct LastAtomic {
    std::uintptr_t at;
    Touch touch;
  };

  static bool covers(const Release& release, const Touch& before);
  static void merge(Known& into, const Known& from);
  bool has_released(std::uint32_t place, const Release& release) const;
  void add_release(std::uint32_t place, const Fence& fence, bool of_block);
  std::uint32_t length_known(std::uint32_t place) const;

  unsigned threads_;
  std::unordered_map<std::uintptr_t, std::uint32_t> numbers_;  ///< of addresses
  std::vector<std::vector<Release>> places_;                   ///< by that number
  std::unordered_map<std::uint32_t, std::vector<ReleaseId>> of_block_;
  std::unordered_map<std::uint32_t, LastAtomic> last_atomic_;  ///< by block
  std::size_t releases_ = 0;

  // Of the running block.
  Known block_known_;
  std::vector<Known> warp_known_, thread_known_;
  std::array<Fences, 2> fences_;  ///< of the device, and of the device or the block
  std::shared_ptr<const std::vector<std::uint32_t>> before_barrier_;
  bool fenced_ = false;  ///< since the last barrier
  std::unordered_set<std::uintptr_t> atomics_;
};

}  // namespace tern::emulator
