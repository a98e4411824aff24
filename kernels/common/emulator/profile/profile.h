// What launches ask of memory, counted as NVIDIA's profiler, Nsight Compute, counts it; the names in quotes are its metrics.
//
//   Profile profile;
//   softmax_forward(...);
//   profile.launches().front().total(Space::global, Access::read).sectors_per_request();
//
// On a GPU the lanes of a warp do an instruction together: a request. Here they come by one after another, so the n-th
// time that each of them does it is taken for one request, counted anew since all lanes last met (at a barrier of the block,
// or at a shuffle, vote or __syncwarp of the whole warp). What is not counted: instructions that touch no memory; loads and
// stores that only a GPU's compiler would make (spilled registers) or leave out.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/common/emulator/emulator.h"
#include "kernels/common/emulator/shared_memory.h"

namespace tern::emulator {

enum class Space { global, shared };

/// Of one instruction, or of many.
struct AccessCounts {
  std::int64_t requests = 0;  ///< of 1 to 32 lanes
  std::int64_t lanes = 0;     ///< that took part in them
  std::int64_t bytes = 0;     ///< that these asked for
  /// Global memory: distinct 32 bytes of a request, and as few as its distinct bytes fit in.
  std::int64_t sectors = 0, ideal_sectors = 0;
  /// Shared memory: passes over its 32 banks of 4 bytes, and as few as there are without conflicts: one for 32 lanes of 4
  /// bytes and less, 16 of 8, 8 of 16. Lanes that read one word share a pass.
  std::int64_t wavefronts = 0, ideal_wavefronts = 0;
  /// Atomics: lanes beyond the first at one address in a request, which wait for their turn.
  std::int64_t contended = 0;

  AccessCounts& operator+=(const AccessCounts& other);
  /// "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio", and _op_st. 0 without requests.
  double sectors_per_request() const;
  /// As "smsp__thread_inst_executed_per_inst_executed.ratio", of these instructions alone. 0 without requests.
  double lanes_per_request() const;
  /// "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum", and _op_st.
  std::int64_t bank_conflicts() const { return wavefronts - ideal_wavefronts; }
};

/// Where in a program something is done: an address in its code, or a line of its source.
struct CodePlace {
  const void* code = nullptr;
  const char* file = nullptr;
  unsigned line = 0;

  auto operator<=>(const CodePlace&) const = default;
};

/// One load, store or atomic of the kernel's source.
struct InstructionCounts {
  CodePlace place;
  Space space = Space::global;
  Access access = Access::read;
  AccessCounts counts;
};

struct LaunchProfile {
  KernelId kernel;
  dim3 grid{1}, block{1};
  std::size_t shared_bytes = 0;  ///< of a block, static and dynamic
  std::vector<InstructionCounts> instructions;
  /// Shuffles, votes and __syncwarps by warp, and the lanes that took part.
  std::int64_t warp_operations = 0, warp_operation_lanes = 0;
  std::int64_t block_barriers = 0;  ///< by warp
  /// Distinct sectors of global memory: what moves if a cache keeps everything once it was touched.
  std::int64_t sectors_read = 0, sectors_written = 0;

  AccessCounts total(Space space, Access access) const;
};

/// While it lives, launches are counted. One at a time.
class Profile {
 public:
  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  const std::vector<LaunchProfile>& launches() const { return launches_; }
  void clear() { launches_.clear(); }

 private:
  friend class RequestCounter;
  std::vector<LaunchProfile> launches_;
};

}  // namespace tern::emulator
