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

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/common/emulator/emulator.h"
#include "kernels/common/emulator/profile/cache_model.h"
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
  std::int64_t lines = 0;  ///< distinct 128 bytes of a request, which L1 looks up one after another
  /// Shared memory: passes over its 32 banks of 4 bytes, and as few as there are without conflicts: one for 32 lanes of 4
  /// bytes and less, 16 of 8, 8 of 16. Lanes that read one word share a pass.
  std::int64_t wavefronts = 0, ideal_wavefronts = 0;
  /// Atomics: lanes beyond the first at one address in a request, which wait for their turn.
  std::int64_t contended = 0;

  static const std::array<std::int64_t AccessCounts::*, 9> kAll;  ///< each of these

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

/// What the lanes of a warp touched together.
struct Request {
  unsigned lanes = 0;     ///< a bit each; 0: no request
  std::size_t bytes = 0;  ///< of each
  std::array<std::uintptr_t, 32> addresses;
  uint3 block{0, 0, 0};
  unsigned warp = 0;  ///< of the block

  /// Bytes from each lane that took part to the next; nothing if they differ, or one lane was alone.
  std::optional<std::int64_t> distance() const;
  /// Whether lanes touch elements as far apart as the lanes are themselves, x[threadIdx.x], and some between them take no part.
  bool has_gaps() const;
  std::uintptr_t lowest_address() const;
};

/// One load, store or atomic of the kernel's source.
struct InstructionCounts {
  CodePlace place;
  Space space = Space::global;
  Access access = Access::read;
  AccessCounts counts;
  Request worst;                  ///< the first of those that are furthest from their ideal
  std::int64_t worst_excess = 0;  ///< its sectors, passes and waiting lanes beyond the ideal
  /// That no element was left for: a guard, `if (i < n)`, kept them away (tail_guard.h). Of a sample none are known.
  std::int64_t spare_lanes = 0;
  /// Of requests with more sectors than the ideal, bytes from each lane to the next, where these are the same in all; else 0.
  std::optional<std::int64_t> stride = {};
  /// Their lowest addresses modulo the stride, where they are the same in all; else -1.
  std::int64_t offset = -1;
};

/// Which warp to write down, step by step (trace.h), and of which block a timeline.
struct TraceChoice {
  int launch = -1;  ///< the n-th of the profile, from 0; -1: none
  uint3 block{0, 0, 0};
  unsigned warp = 0;              ///< of the block
  std::size_t most_steps = 4096;  ///< later ones are left out, and so many barriers of the block
};

/// One thing that the lanes of a warp did together.
struct TraceStep {
  enum class Kind { read, write, atomic, block_barrier, warp_operation };
  Kind kind = Kind::read;
  CodePlace place;
  const char* operation = "";  ///< of a barrier or warp operation: "__syncthreads"
  Space space = Space::global;
  unsigned lanes = 0;
  std::size_t bytes = 0;
  std::array<std::uintptr_t, 32> addresses{};
  std::array<std::uint64_t, 32>
      values{};  ///< bits read or written, or before an atomic; up to 8 bytes a lane
};

/// What a warp did between two barriers of its block.
struct WarpStretch {
  unsigned lanes = 0;                   ///< that touched memory, or met for a shuffle or vote
  std::int64_t global = 0, shared = 0;  ///< accesses, each lane's counted
};

/// From one barrier of a block to the next: who works while others wait.
struct BlockStretch {
  std::vector<WarpStretch> warps;
  const char* barrier = "";  ///< that ends it: "__syncthreads"; "" at the end of the block
  CodePlace place;           ///< of that barrier
};

/// What tensor cores multiply, and what they add the products up in.
enum class TensorPath { fp16_fp32, fp16_fp16, bf16_fp32, tf32_fp32, int8 };
inline constexpr std::size_t kTensorPaths = 5;

struct LaunchProfile {
  KernelId kernel;
  int range = 0;  ///< of a program: its calls of cudaProfilerStart before the launch
  dim3 grid{1}, block{1};
  /// Fewer than blocks() of a sample, from which the counts are scaled (block_sample.h).
  std::int64_t blocks_run = 1;
  std::size_t shared_bytes = 0;  ///< of a block, static and dynamic
  std::vector<InstructionCounts> instructions;
  /// Shuffles, votes, __syncwarps and matrix functions by warp, and the lanes that took part.
  std::int64_t warp_operations = 0, warp_operation_lanes = 0;
  std::int64_t block_barriers = 0;  ///< by warp
  /// Distinct sectors of global memory: what moves if a cache keeps everything once it was touched.
  std::int64_t sectors_read = 0, sectors_written = 0;
  /// Sectors that are new to the block that reads them: what L2 is asked for if L1 keeps all that a block reads.
  std::int64_t block_sectors_read = 0;
  /// What an L2 of the profile's size gives and lets through; all 0 without a CacheModel.
  CacheCounts cache;
  std::int64_t hottest_atomics = 0;  ///< most requests of atomics at one address of global memory
  /// Requests of loads from global memory with a sector that is new to the block: what waits for more than L1.
  std::int64_t load_misses = 0;
  /// By warp: stretches between meetings of all its lanes that have one of those, or an atomic. A load of the next stretch
  /// waits for those of the one before. (wmma's loads meet, too, but wait for no other.)
  std::int64_t load_rounds = 0;
  /// By path: multiplications and additions, as "sm__ops_path_tensor_src_fp16_dst_fp32.sum" counts them.
  std::array<std::int64_t, kTensorPaths> tensor_operations{};
  std::vector<ArrayRange> arrays;  ///< shared ones, and those that Profile::name_array or name_arrays names
  std::vector<TraceStep> trace;    ///< of the warp that was chosen
  std::vector<BlockStretch> timeline;  ///< of that warp's block
  bool trace_is_cut = false;           ///< there were more steps or barriers

  std::int64_t blocks() const;
  std::int64_t warps() const;
  AccessCounts total(Space space, Access access) const;
  /// Null if it has no name.
  const ArrayRange* array_of(std::uintptr_t address) const;
};

struct ProfileOptions {
  CacheModel cache = {};  ///< none unless it has a size
  TraceChoice trace = {};
  /// Of launches with more blocks only so many are run, from the middle of the grid, at most 64, and what they compute is
  /// incomplete; their counts stand for all (block_sample.h). 0: all are run.
  std::int64_t sample_blocks = 0;
};

/// While it lives, launches are counted. One at a time.
class Profile {
 public:
  /// Throws Error for options that cannot be.
  explicit Profile(const ProfileOptions& options = {});
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  const std::vector<LaunchProfile>& launches() const { return launches_; }
  void clear() { launches_.clear(); }
  /// How reports call an array of global memory in the launches after this.
  void name_array(const void* begin, std::size_t bytes, std::size_t element_bytes, std::string name);

 private:
  friend class RequestCounter;
  ProfileOptions options_;
  std::vector<ArrayRange> arrays_;
  std::vector<LaunchProfile> launches_;
};

}  // namespace tern::emulator
