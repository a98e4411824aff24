#include <cstdlib>

#include "kernels/common/emulator/emulator.h"
#include "tests/support/kernel_memory.h"

namespace tern::test {

// malloc, not aligned_alloc with rounded sizes: AddressSanitizer then sees the very next byte.
void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  return posix_memalign(&memory, 256, bytes) == 0 ? memory : nullptr;
}
void release(void* memory) {
  std::free(memory);
}
void copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
}
bool device_is_there() {
  return true;
}
bool is_emulated() {
  return true;
}
std::int64_t launch_count() {
  return emulator::launch_count();
}

}  // namespace tern::test
