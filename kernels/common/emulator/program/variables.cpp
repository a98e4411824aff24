#include "kernels/common/emulator/program/variables.h"

#include <fmt/format.h>

#include <vector>

#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/program/program.h"

namespace tern::emulator::program {
namespace {

struct Noted {
  ArrayName name;
  std::size_t bytes;
};

std::vector<Noted>& variables() {
  static auto* const all = new std::vector<Noted>;
  return *all;
}

}  // namespace

void note_variable(const ArrayName& variable, std::size_t bytes, bool is_constant, const char* file,
                   int line) {
  prepare_program();
  void* const memory = const_cast<void*>(variable.begin);
  variables().push_back({variable, bytes});
  if (is_constant) note_constants(memory, bytes);
  add_allocation(
      memory, bytes,
      fmt::format("{} {} ({}:{})", is_constant ? "__constant__" : "__device__", variable.name, file, line));
  mark_written(memory, bytes);
}

std::vector<ArrayName> variable_names() {
  std::vector<ArrayName> names;
  for (const Noted& one : variables()) names.push_back(one.name);
  return names;
}

bool is_variable(const volatile void* address) {
  for (const Noted& one : variables()) {
    const auto begin = reinterpret_cast<std::uintptr_t>(one.name.begin);
    if (reinterpret_cast<std::uintptr_t>(address) - begin < one.bytes) return true;
  }
  return false;
}

}  // namespace tern::emulator::program
