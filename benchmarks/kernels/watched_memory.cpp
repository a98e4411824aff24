#include "benchmarks/kernels/emulated_memory.h"
#include "engine/core/check.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/program/device_memory.h"
#include "kernels/common/emulator/program/faults.h"

namespace tern::bench {

using emulator::program::DeviceMemory;

namespace {

std::string name_of_array(std::size_t bytes) {
  return "an array of " + std::to_string(bytes) + " bytes";
}

}  // namespace

void* allocate_memory(std::size_t bytes) {
  void* const memory =
      DeviceMemory::instance().allocate(bytes, emulator::program::MemoryKind::device, name_of_array(bytes));
  if (memory == nullptr) throw Error("an array", "memory of " + std::to_string(bytes) + " bytes", "less");
  return memory;
}
void free_memory(void* memory) {
  DeviceMemory::instance().release(memory);
}

HostAccess::HostAccess() {
  DeviceMemory::instance().open();
}
HostAccess::~HostAccess() {
  DeviceMemory::instance().close();
}

void note_written(void* memory, std::size_t bytes) {
  emulator::mark_written(memory, bytes);
}
void note_unwritten(void* memory, std::size_t bytes) {
  emulator::remove_allocation(memory);
  emulator::add_allocation(memory, bytes, name_of_array(bytes));
}

void throw_faults() {
  static int known = 0;
  const int faults = emulator::program::fault_count();
  if (faults == known) return;
  known = faults;
  emulator::program::make_sticky(cudaSuccess);  // no GPU is broken: other rows go on
  throw Error("on the emulator", emulator::program::last_fault());
}

}  // namespace tern::bench
