#include "kernels/common/emulator/program/variables.h"

#include <fmt/format.h>

#include <vector>

#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/program/program.h"

namespace tern::emulator::program {
namespace {

struct Extent {
  std::uintptr_t begin;
  std::size_t bytes;
};

std::vector<Extent>& variables() {
  static auto* const all = new std::vector<Extent>;
  return *all;
}

}  // namespace

void note_variable(const char* name, const volatile void* begin, std::size_t bytes, bool is_constant, const char* file,
                   int line) {
  prepare_program();
  void* const memory = const_cast<void*>(begin);
  variables().push_back({reinterpret_cast<std::uintptr_t>(memory), bytes});
  if (is_constant) note_constants(memory, bytes);
  add_allocation(memory, bytes,
                 fmt::format("{} {} ({}:{})", is_constant ? "__constant__" : "__device__", name, file, line));
  mark_written(memory, bytes);
}

bool is_variable(const volatile void* address) {
  for (const Extent& one : variables()) {
    if (reinterpret_cast<std::uintptr_t>(address) - one.begin < one.bytes) return true;
  }
  return false;
}

}  // namespace tern::emulator::program
