// Memory that kernels allocate themselves: malloc, free, new and delete of a kernel's thread work on the device's heap, which the
// host cannot touch; everybody else's on the host's. Programs are linked with --wrap=malloc and --wrap=free; operators new and
// delete are replaced.
#include <fmt/format.h>

#include <cstdlib>
#include <new>

#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/program/device_memory.h"
#include "kernels/common/emulator/program/faults.h"

extern "C" {
void* __real_malloc(std::size_t bytes);
void __real_free(void* memory);
}

namespace tern::emulator::program {
namespace {

std::size_t heap_used = 0;

/// For a name.
std::string place_of(const void* code) {
  const std::string line = user_line(code);
  return line.empty() ? "" : " (" + line + ")";
}

/// Null if the heap is full.
void* allocate_in_kernel(std::size_t bytes, const char* function, const void* code) {
  const Unnoted unnoted;
  std::size_t limit = 0;
  cudaDeviceGetLimit(&limit, cudaLimitMallocHeapSize);
  if (bytes > limit - heap_used) return nullptr;
  void* const memory = DeviceMemory::instance().allocate(
      bytes, MemoryKind::heap,
      fmt::format("{} of {} in a kernel{}", function, counted(bytes, "byte"), place_of(code)));
  if (memory != nullptr) heap_used += bytes;
  return memory;
}

void free_in_kernel(void* memory, const char* function, const void* code) {
  if (memory == nullptr) return;
  const Unnoted unnoted;
  DeviceMemory& all = DeviceMemory::instance();
  const auto* const found = all.find(memory);
  if (found != nullptr && found->first == memory && found->second.kind == MemoryKind::heap) {
    heap_used -= found->second.bytes;
    all.release(memory);
    return;
  }
  const std::string freed = all.find_freed(memory);
  const std::string got = !freed.empty()     ? "freed before: " + freed
                          : found != nullptr ? "got " + found->second.name
                                             : "got another pointer";
  Block::current().fail(fmt::format("{}: wanted memory that a kernel has allocated, {}", function, got),
                        user_line(code));  // none where the call is a jump
}

void refuse_on_host(const char* function, const void* code) {
  const std::string line = user_line(code);
  report_fault(fmt::format("{}{}: the host cannot free memory of the device's",
                           line.empty() ? "" : line + ": ", function));
}

void* allocate_on_host(std::size_t bytes) {
  void* const memory = __real_malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

[[noreturn]] void fail_full(std::size_t bytes, const void* code) {
  const Unnoted unnoted;
  std::size_t limit = 0;
  cudaDeviceGetLimit(&limit, cudaLimitMallocHeapSize);
  Block::current().fail(fmt::format("new of {}: the device's heap of {} has {} left. "
                                    "cudaDeviceSetLimit(cudaLimitMallocHeapSize, bytes) "
                                    "gives more",
                                    counted(bytes, "byte"), counted(limit, "byte"), limit - heap_used),
                        user_line(code));
}

void* allocate_by_new(std::size_t bytes, const void* code) {
  if (!is_kernel_code()) return allocate_on_host(bytes);
  void* const memory = allocate_in_kernel(bytes, "new", code);
  if (memory == nullptr) fail_full(bytes, code);
  return memory;
}

void free_by_delete(void* memory, const void* code) {
  if (is_kernel_code()) return free_in_kernel(memory, "delete", code);
  if (is_device_address(memory)) return refuse_on_host("delete", code);
  __real_free(memory);
}

}  // namespace
}  // namespace tern::emulator::program

using namespace tern::emulator::program;

extern "C" {

void* __wrap_malloc(std::size_t bytes) {
  if (!is_kernel_code()) return __real_malloc(bytes);
  return allocate_in_kernel(bytes, "malloc", __builtin_return_address(0));
}

void __wrap_free(void* memory) {
  if (is_kernel_code()) return free_in_kernel(memory, "free", __builtin_return_address(0));
  if (is_device_address(memory)) return refuse_on_host("free", __builtin_return_address(0));
  __real_free(memory);
}
}

void* operator new(std::size_t bytes) {
  return allocate_by_new(bytes, __builtin_return_address(0));
}
void* operator new[](std::size_t bytes) {
  return allocate_by_new(bytes, __builtin_return_address(0));
}
void operator delete(void* memory) noexcept {
  free_by_delete(memory, __builtin_return_address(0));
}
void operator delete[](void* memory) noexcept {
  free_by_delete(memory, __builtin_return_address(0));
}
void operator delete(void* memory, std::size_t) noexcept {
  free_by_delete(memory, __builtin_return_address(0));
}
void operator delete[](void* memory, std::size_t) noexcept {
  free_by_delete(memory, __builtin_return_address(0));
}
