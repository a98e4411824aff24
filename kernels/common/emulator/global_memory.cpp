#include "kernels/common/emulator/global_memory.h"

#include <utility>

#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/allocations.h"
#include "kernels/common/emulator/array_names.h"
#include "kernels/common/emulator/global_races.h"

namespace tern::emulator {
namespace {

std::uintptr_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

}  // namespace

void add_allocation(void* begin, std::size_t bytes, std::string name) {
  Allocations::instance().add(number(begin), bytes, std::move(name));
}

void remove_allocation(void* begin) {
  Allocations::instance().remove(number(begin));
}

void note_device_addresses(const void* begin, std::size_t bytes) {
  Allocations::instance().add_addresses(number(begin), bytes);
}

void name_arrays(std::vector<ArrayName> names) {
  ArrayNames::instance().set(std::move(names));
}

void mark_written(const void* begin, std::size_t bytes) {
  Allocations::instance().mark_written(number(begin), bytes);
}

void set_global_checks(GlobalChecks checks) {
  watch(kBounds, checks.bounds);
  watch(kRaces, checks.races);
  GlobalRaces::tell_harmless_to(checks.note);
  watch(kUnwritten, checks.unwritten);
  tell_unwritten_to(checks.unwritten_read);
  Allocations::instance().keep_written(checks.unwritten);
}

}  // namespace tern::emulator
