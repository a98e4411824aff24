#include "kernels/common/emulator/array_names.h"

#include <fmt/format.h>

#include "kernels/common/emulator/counted.h"

namespace tern::emulator {
namespace {

/// Farther behind a pointer than this, an address has nothing to do with it.
constexpr std::uintptr_t kNearBytes = 1 << 30;

std::uintptr_t begin_of(const ArrayName& name) {
  return reinterpret_cast<std::uintptr_t>(name.begin);
}

std::int64_t floor_of_quotient(std::int64_t a, std::int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

/// Elements [first, last] of an array.
std::string elements_text(const ArrayName* name, bool are_bytes, std::int64_t first, std::int64_t last) {
  if (name != nullptr) {
    if (name->is_single && first == 0 && last == 0) return name->name;
    const std::string text = fmt::format("{}[{}]", name->name, first);
    return first == last ? text : fmt::format("{} to {}[{}]", text, name->name, last);
  }
  const char* const what = are_bytes ? "byte" : "element";
  return first == last ? fmt::format("{} {}", what, first) : fmt::format("{}s {} to {}", what, first, last);
}

}  // namespace

std::string TouchedText::whole() const {
  return origin.empty() ? element + " of " + array : element;
}

ArrayNames& ArrayNames::instance() {
  static auto* const all = new ArrayNames;  // never destroyed, as the allocations
  return *all;
}

/// Of several pointers into a range any says the truth; one through which could be written is more likely to have been.
const ArrayName* ArrayNames::find(const MemoryRange& range, Access access) const {
  const ArrayName* found = nullptr;
  for (const ArrayName& name : names_) {
    const std::uintptr_t begin = begin_of(name);
    if (begin < range.begin || begin > range.begin + range.bytes) continue;
    if (found == nullptr || (access != Access::read && found->is_read_only && !name.is_read_only))
      found = &name;
  }
  return found;
}

TouchedText ArrayNames::text_of(const MemoryRange& range, std::uintptr_t at, std::size_t bytes,
                                Access access) const {
  const ArrayName* const name = find(range, access);
  const std::uintptr_t begin = name == nullptr ? range.begin : begin_of(*name);
  const std::size_t rest = range.begin + range.bytes - begin;
  const auto offset = static_cast<std::int64_t>(at - begin);
  std::size_t size = name == nullptr ? 0 : name->element_bytes;
  if (size == 0) size = offset % static_cast<std::int64_t>(bytes) == 0 && rest % bytes == 0 ? bytes : 1;
  const auto unit = static_cast<std::int64_t>(size);
  const std::int64_t first = floor_of_quotient(offset, unit);
  const std::int64_t last = floor_of_quotient(offset + static_cast<std::int64_t>(bytes) - 1, unit);
  const bool are_bytes = name == nullptr && size == 1;
  TouchedText text;
  text.element = elements_text(name, are_bytes, first, last);
  if (first == last && offset != first * unit)
    text.element += fmt::format(" (byte {})", offset - first * unit);
  text.array = name == nullptr ? range.name : name->name;
  text.extent = are_bytes ? counted(rest, "byte")
                          : fmt::format("{} of {}", counted(rest / size, "element"), counted(size, "byte"));
  if (name != nullptr) text.origin = ": " + range.name;
  return text;
}

std::string ArrayNames::text_outside(std::uintptr_t at, std::size_t bytes) const {
  const ArrayName* nearest = nullptr;
  for (const ArrayName& name : names_) {
    const std::uintptr_t begin = begin_of(name);
    if (at - begin < kNearBytes && (nearest == nullptr || begin > begin_of(*nearest))) nearest = &name;
  }
  if (nearest == nullptr) return {};
  const std::uintptr_t begin = begin_of(*nearest);
  const std::size_t size = nearest->element_bytes == 0 ? bytes : nearest->element_bytes;
  const auto index = static_cast<std::int64_t>((at - begin) / size);
  return elements_text(nearest, false, index, index);
}

}  // namespace tern::emulator
