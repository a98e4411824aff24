#include <cstdlib>

#include "benchmarks/kernels/emulated_memory.h"
#include "engine/core/check.h"

namespace tern::bench {

void* allocate_memory(std::size_t bytes) {
  constexpr std::size_t kAlignment = 256;
  void* const memory = std::aligned_alloc(kAlignment, (bytes / kAlignment + 1) * kAlignment);
  if (memory == nullptr) throw Error("an array", "memory of " + std::to_string(bytes) + " bytes", "none");
  return memory;
}
void free_memory(void* memory) {
  std::free(memory);
}

HostAccess::HostAccess() = default;
HostAccess::~HostAccess() = default;
void note_written(void*, std::size_t) {}
void note_unwritten(void*, std::size_t) {}
void throw_faults() {}  // a launch has thrown them

}  // namespace tern::bench
