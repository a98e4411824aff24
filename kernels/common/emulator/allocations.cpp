#include "kernels/common/emulator/allocations.h"

#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <new>

#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/code_place.h"
#include "kernels/common/emulator/counted.h"

namespace tern::emulator {
namespace {

constexpr std::size_t kMostFreed = 4096;  ///< that are remembered
constexpr std::uintptr_t kNullBytes = 4096;
/// Farther from an allocation than this and its own size, an address is not told as outside of it.
constexpr std::uintptr_t kNearBytes = 4096;

struct Range {
  std::uintptr_t begin, bytes;
  bool found = false;
};

int find_image(dl_phdr_info* image, std::size_t, void* data) {
  auto& range = *static_cast<Range*>(data);
  for (unsigned i = 0; i < image->dlpi_phnum; ++i) {
    const auto& segment = image->dlpi_phdr[i];
    const std::uintptr_t begin = image->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && range.begin - begin < segment.p_memsz &&
        range.begin + range.bytes <= begin + segment.p_memsz) {
      range = {begin, segment.p_memsz, true};
      return 1;
    }
  }
  return 0;
}

/// The part of the program or of a library, static data and constants included, that holds all those bytes.
Range static_data(std::uintptr_t at, std::size_t bytes) {
  Range range{at, bytes};
  dl_iterate_phdr(find_image, &range);
  return range;
}

/// Whether the process has memory there.
bool is_mapped(std::uintptr_t at) {
  std::ifstream maps("/proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    char* rest = nullptr;
    const std::uintptr_t begin = std::strtoull(line.c_str(), &rest, 16);
    const std::uintptr_t end = std::strtoull(rest + 1, &rest, 16);
    if (at >= begin && at < end) return rest[1] == 'r';
  }
  return false;
}

}  // namespace

Allocations& Allocations::instance() {
  static auto* const all = new Allocations;  // never destroyed: device memory may be freed after main
  return *all;
}

void Allocations::add(std::uintptr_t begin, std::size_t bytes, std::string name) {
  auto next = all_.lower_bound(begin);
  if (next != all_.begin() && std::prev(next)->first + std::prev(next)->second.bytes > begin) --next;
  while (next != all_.end() && next->first < begin + std::max<std::size_t>(bytes, 1)) {
    freed_ -= next->second.freed ? 1 : 0;
    next = all_.erase(next);
  }
  last_bytes_ = 0;
  Allocation added{bytes, std::move(name), false, nullptr};
  if (keeps_written_ && bytes > 0) {
    added.written.reset(
        static_cast<std::uint8_t*>(std::calloc(bytes / 8 + 8, 1)));  // pages on demand; read by 4
    if (added.written == nullptr) throw std::bad_alloc();
  }
  all_.emplace(begin, std::move(added));
}

void Allocations::remove(std::uintptr_t begin) {
  const auto found = all_.find(begin);
  if (found == all_.end() || found->second.freed) return;
  found->second.freed = true;
  found->second.written.reset();
  last_bytes_ = 0;
  if (++freed_ <= kMostFreed) return;
  for (auto it = all_.begin(); it != all_.end();) it = it->second.freed ? all_.erase(it) : std::next(it);
  freed_ = 0;
}

void Allocations::add_addresses(std::uintptr_t begin, std::size_t bytes) {
  addresses_.emplace_back(begin, bytes);
}

void Allocations::keep_written(bool keep) {
  if (!keep) mark_all_written();
  keeps_written_ = keep;
  last_bytes_ = 0;
}

void Allocations::mark_all_written() {
  for (auto& [begin, allocation] : all_) allocation.written.reset();
  last_bytes_ = 0;
}

/// The allocation, live or freed, that begins last before the address or there.
Allocations::Map::iterator Allocations::find(std::uintptr_t at) {
  const auto next = all_.upper_bound(at);
  return next == all_.begin() ? all_.end() : std::prev(next);
}

void Allocations::mark_written(std::uintptr_t begin, std::size_t bytes) {
  const auto found = find(begin);
  if (found == all_.end() || found->second.written == nullptr) return;
  const std::size_t first = begin - found->first;
  if (first >= found->second.bytes) return;
  const std::size_t end = std::min(first + bytes, found->second.bytes);
  std::uint8_t* const bits = found->second.written.get();
  std::size_t i = first;
  for (; i < end && i % 8 != 0; ++i) bits[i / 8] |= static_cast<std::uint8_t>(1u << i % 8);
  if (end > i) std::memset(bits + i / 8, 0xFF, (end - i) / 8);
  for (i += (end - i) / 8 * 8; i < end; ++i) bits[i / 8] |= static_cast<std::uint8_t>(1u << i % 8);
}

std::string Allocations::bounds_fault(std::uintptr_t at, std::size_t bytes, Access access) {
  if (at - last_begin_ < last_bytes_ && bytes <= last_bytes_ - (at - last_begin_)) return {};
  const auto found = find(at);
  if (found != all_.end() && !found->second.freed && at - found->first < found->second.bytes &&
      bytes <= found->second.bytes - (at - found->first)) {
    last_begin_ = found->first;
    last_bytes_ = found->second.bytes;
    last_written_ = found->second.written.get();
    return {};
  }
  if (static_data(at, bytes).found) return {};
  return describe(at, bytes, access);
}

/// The allocation that is nearest to an address that none holds; none if there are none.
Allocations::Map::iterator Allocations::nearest(std::uintptr_t at) {
  const auto before = find(at), after = all_.upper_bound(at);
  if (before == all_.end() || after == all_.end()) return before == all_.end() ? after : before;
  return at - (before->first + before->second.bytes) < after->first - at ? before : after;
}

/// Whether an address that it does not hold may be meant as an element of it.
bool Allocations::is_near(std::uintptr_t at, Map::iterator allocation) const {
  const auto holds = [&](const auto& addresses) { return at - addresses.first < addresses.second; };
  if (std::any_of(addresses_.begin(), addresses_.end(), holds)) return true;
  const auto& [begin, of] = *allocation;
  const std::uintptr_t distance = at < begin ? begin - at : at - (begin + of.bytes);
  return !of.freed && distance < std::max(kNearBytes, of.bytes);
}

TouchedText Allocations::touched(Map::iterator allocation, std::uintptr_t at, std::size_t bytes,
                                 Access access) const {
  const auto& [begin, of] = *allocation;
  return ArrayNames::instance().text_of({begin, of.bytes, of.name}, at, bytes, access);
}

/// Of an access to what no allocation holds.
std::string Allocations::describe(std::uintptr_t at, std::size_t bytes, Access access) {
  const char* const does = verb(access);
  std::string outside = ArrayNames::instance().text_outside(at, bytes);
  if (at < kNullBytes) {
    const std::string offset = at == 0 ? "" : fmt::format(" + {}", at);
    return outside.empty() ? fmt::format("{} {} at the null pointer{}", does, counted(bytes, "byte"), offset)
                           : fmt::format("{} {}, at the null pointer{}", does, outside, offset);
  }
  if (const auto holder = find(at); holder != all_.end() && at - holder->first < holder->second.bytes) {
    const TouchedText text = touched(holder, at, bytes, access);
    if (holder->second.freed)
      return fmt::format("{} {} of freed memory: {}", does, text.element, holder->second.name);
    return fmt::format("{} {}, beyond the end of {}, which has {}{}", does, text.element, text.array,
                       text.extent, text.origin);
  }
  if (const auto near = nearest(at); near != all_.end() && is_near(at, near)) {
    const TouchedText text = touched(near, at, bytes, access);
    return fmt::format("{} {}, {} of {}{}, which has {}{}", does, text.element,
                       at < near->first ? "before the begin" : "after the end",
                       near->second.freed ? "freed memory: " : "", text.array, text.extent, text.origin);
  }
  if (outside.empty()) outside = counted(bytes, "byte");
  if (Block::current().is_stack(at))
    return fmt::format("{} {} of another thread's own variables", does, outside);
  if (is_mapped(at)) return fmt::format("{} {} in memory of the host", does, outside);
  return fmt::format("{} {} at {:#x}, where there is no memory", does, outside, at);
}

std::string Allocations::unwritten_fault(std::uintptr_t at, std::size_t bytes, Access access) {
  if (at - last_begin_ < last_bytes_ && bytes <= 16 && bytes <= last_bytes_ - (at - last_begin_)) {
    if (last_written_ == nullptr) return {};
    const std::size_t first = at - last_begin_;
    std::uint32_t bits = 0;
    std::memcpy(&bits, last_written_ + first / 8, sizeof(bits));
    const std::uint32_t wanted = ((1u << bytes) - 1) << first % 8;
    if ((bits & wanted) == wanted) return {};
    if (access == Access::write) {
      bits |= wanted;
      std::memcpy(last_written_ + first / 8, &bits, sizeof(bits));
      return {};
    }
  }
  const auto found = find(at);
  if (found == all_.end() || found->second.written == nullptr) return {};
  const std::uint8_t* const bits = found->second.written.get();
  if (access != Access::write) {
    const std::size_t first = at - found->first, end = std::min(first + bytes, found->second.bytes);
    for (std::size_t i = first; i < end; ++i) {
      if ((bits[i / 8] >> i % 8 & 1u) != 0) continue;
      const bool is_one = bytes <= 16;  // else a copy of many, told by the first byte
      const TouchedText text = touched(found, is_one ? at : found->first + i, is_one ? bytes : 1, access);
      return fmt::format("{} {}, which nobody has written{}", verb(access), text.whole(), text.origin);
    }
  }
  if (access != Access::read) mark_written(at, bytes);
  return {};
}

void Allocations::forget_unwritten(std::uintptr_t at) {
  const auto found = find(at);
  if (found == all_.end()) return;
  found->second.written.reset();
  last_bytes_ = 0;
}

std::vector<ArrayRange> Allocations::named() {
  std::vector<ArrayRange> ranges;
  for (const ArrayName& name : ArrayNames::instance().all()) {
    const auto begin = reinterpret_cast<std::uintptr_t>(name.begin);
    const auto found = find(begin);
    if (name.element_bytes == 0 || found == all_.end() || begin - found->first >= found->second.bytes)
      continue;
    ranges.push_back({name.name, begin, found->first + found->second.bytes - begin, name.element_bytes});
  }
  return ranges;
}

std::string Allocations::text_of(std::uintptr_t at, std::size_t bytes, Access access) {
  const auto found = find(at);
  if (found == all_.end() || at - found->first >= found->second.bytes)
    return fmt::format("address {:#x}", at);
  return touched(found, at, bytes, access).whole();
}

}  // namespace tern::emulator
