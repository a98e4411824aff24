// Accesses of threads, made requests of warps and counted: profile.h. For the emulator alone.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <map>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

/// Distinct sectors of memory.
class SectorSet {
 public:
  void insert(std::uintptr_t sector);
  std::int64_t size() const { return size_; }

 private:
  static constexpr std::size_t kPage = 4096;  ///< sectors
  std::unordered_map<std::uintptr_t, std::bitset<kPage>> pages_;
  std::uintptr_t last_number_ = ~std::uintptr_t{0};
  std::bitset<kPage>* last_ = nullptr;
  std::int64_t size_ = 0;
};

class RequestCounter {
 public:
  /// Null while nobody profiles.
  static RequestCounter* active() { return active_; }
  static void start(Profile& profile);
  static void stop();

  void begin_launch(const KernelId& kernel, dim3 grid, dim3 block);
  void end_launch(std::size_t shared_bytes);  ///< of a launch that went well

  void note(unsigned thread, const CodePlace& place, Space space, Access access, std::uintptr_t address,
            std::size_t bytes);
  void note_warp_operation(unsigned warp, unsigned mask);
  void note_block_barrier();
  /// The block has ended.
  void end_block();

 private:
  struct Request {
    unsigned lanes = 0;  ///< that have come by; 0 once it was counted
    std::size_t bytes = 0;
    std::array<std::uintptr_t, 32> addresses;
  };
  /// Of one warp and instruction, since all lanes met.
  struct OpenRequests {
    std::array<std::uint32_t, 32> times{};  ///< that each lane has come by
    std::uint32_t first = 0;                ///< number of the oldest that is kept
    std::deque<Request> requests;
  };

  static constexpr std::size_t kNone = ~std::size_t{0};
  static constexpr std::size_t kMostOpen = std::size_t{1} << 16;  ///< 18 MiB: the oldest is counted as it is

  std::size_t number_of(const CodePlace& place, Space space, Access access);
  unsigned lanes_of(unsigned warp) const;
  void close(unsigned warp);
  void count(std::size_t instruction, const Request& request);
  void count_sectors(const Request& request, Access access, AccessCounts& counts);

  explicit RequestCounter(Profile& profile) : profile_(&profile) {}

  static inline RequestCounter* active_ = nullptr;
  Profile* profile_;
  LaunchProfile launch_;
  unsigned threads_ = 0;
  using Key = std::tuple<CodePlace, Space, Access>;
  std::map<Key, std::size_t> numbers_;
  std::array<std::pair<Key, std::size_t>, 256>
      recent_;                                   ///< of numbers_, by a hash; a number of kNone is none
  std::vector<std::vector<OpenRequests>> open_;  ///< by warp and instruction
  SectorSet read_, written_;
};

}  // namespace tern::emulator
