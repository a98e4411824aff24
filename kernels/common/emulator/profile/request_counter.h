// Accesses of threads, made requests of warps and counted: profile.h. For the emulator alone.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernels/common/emulator/profile/block_sample.h"
#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/emulator/profile/tail_guard.h"
#include "kernels/common/emulator/profile/trace_recorder.h"

namespace tern::emulator {

/// Distinct sectors of memory, of a launch and of its blocks.
class SectorSet {
 public:
  /// True if the sector is new to the block, of which there is one at a time, numbered from 1.
  bool insert(std::uintptr_t sector, std::uint32_t block);
  std::int64_t size() const { return size_; }

 private:
  static constexpr std::size_t kPage = 512;       ///< sectors
  using Page = std::array<std::uint32_t, kPage>;  ///< the block that came last; 0: none
  std::unordered_map<std::uintptr_t, std::unique_ptr<Page>> pages_;
  std::uintptr_t last_number_ = ~std::uintptr_t{0};
  Page* last_ = nullptr;
  std::int64_t size_ = 0;
};

class RequestCounter {
 public:
  /// Null while nobody profiles.
  static RequestCounter* active() { return active_; }
  static void start(Profile& profile);
  static void stop();

  /// Which of its blocks to run.
  BlockBox begin_launch(const KernelId& kernel, dim3 grid, dim3 block);
  void end_launch(const SharedMemory& shared);  ///< of a launch that went well

  void note(unsigned thread, const CodePlace& place, Space space, Access access, std::uintptr_t address,
            std::size_t bytes);
  /// `waits`: for what the lanes have loaded.
  void note_warp_operation(unsigned warp, unsigned mask, const char* operation, const CodePlace& place,
                           bool waits);
  void note_tensor_operations(TensorPath path, std::int64_t operations) {
    launch_.tensor_operations[static_cast<std::size_t>(path)] += operations;
  }
  void note_block_barrier(const char* operation, const CodePlace& place);
  /// The block has ended.
  void end_block();

 private:
  /// Of one warp and instruction, since all lanes met.
  struct OpenRequests {
    std::array<std::uint32_t, 32> times{};  ///< that each lane has come by
    std::uint32_t first = 0;                ///< number of the oldest that is kept
    std::deque<Request> requests;           ///< a request of no lanes was counted
  };

  static constexpr std::size_t kNone = ~std::size_t{0};
  static constexpr std::size_t kMostOpen = std::size_t{1} << 16;  ///< 20 MiB: the oldest is counted as it is

  std::size_t number_of(const CodePlace& place, Space space, Access access);
  void close_all();
  void close(unsigned warp, bool waits);
  void note_spare_lanes();
  void count(std::size_t instruction, unsigned warp, const Request& request);
  /// Whether one of them is new to the block that reads it.
  bool count_sectors(const Request& request, Access access, AccessCounts& counts);
  void count_atomics(const Request& request, Space space, AccessCounts& counts);
  bool move_sector(std::uintptr_t sector, Access access);

  explicit RequestCounter(Profile& profile);

  static inline RequestCounter* active_ = nullptr;
  Profile* profile_;
  LaunchProfile launch_;
  BlockShape shape_;
  std::vector<TailGuard> guards_;  ///< by instruction
  using Key = std::tuple<CodePlace, Space, Access>;
  std::map<Key, std::size_t> numbers_;
  std::array<std::pair<Key, std::size_t>, 256>
      recent_;                                   ///< of numbers_, by a hash; a number of kNone is none
  std::vector<std::vector<OpenRequests>> open_;  ///< by warp and instruction
  std::vector<bool> loads_;                      ///< by warp: past L1, since all its lanes met
  SectorSet read_, written_;
  std::uint32_t block_ = 1;                                   ///< of the launch, from 1
  std::unordered_map<std::uintptr_t, std::int64_t> atomics_;  ///< by address in global memory
  Cache cache_;
  BlockSample sample_;
  TraceRecorder trace_;
  int launch_number_ = 0;
};

}  // namespace tern::emulator
