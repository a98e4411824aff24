// How many blocks of a kernel a multiprocessor holds at once, and what keeps it from holding more: registers, shared memory,
// threads or blocks. The limits are those of NVIDIA's CUDA C++ Programming Guide, "Technical Specifications per Compute
// Capability"; registers go out by warp, in the guide's units.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace tern::emulator {

/// Of a multiprocessor, by compute capability. All have 65,536 registers and 4 parts that take warps in turn.
struct Architecture {
  std::string name;  ///< "sm_90"
  int threads;       ///< at once
  int blocks;        ///< at once
  std::size_t shared_bytes;
  std::size_t system_shared_bytes = 1024;  ///< of each block's
};

/// sm_75, sm_80, sm_86, sm_89, sm_90, sm_100.
const std::vector<Architecture>& architectures();
/// Throws Error with the list if it is none of them.
const Architecture& architecture(const std::string& name);

struct KernelResources {
  int threads = 0;               ///< of a block, 1 to 1024
  int registers = 0;             ///< of a thread, 1 to 255
  std::size_t shared_bytes = 0;  ///< of a block, static and dynamic
};

struct Occupancy {
  int blocks = 0;            ///< of a multiprocessor; 0: a block does not fit
  double warps_percent = 0;  ///< of those that it holds at most
  std::string
      limited_by;  ///< "registers", "shared memory", "threads" or "blocks"; the first of these that does
};

/// Throws Error for resources outside of what a kernel may have.
Occupancy occupancy(const Architecture& architecture, const KernelResources& kernel);

}  // namespace tern::emulator
