#include "kernels/common/emulator/global_races.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "engine/core/check.h"
#include "kernels/common/emulator/allocations.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/code_place.h"
#include "kernels/common/emulator/kernel_fault.h"

namespace tern::emulator {
namespace {

constexpr std::uintptr_t kPageBytes = 4096;
constexpr unsigned kMostShift = 4;
constexpr std::size_t kMostBytes = std::size_t{2} << 30;  ///< of what is kept

}  // namespace

void GlobalRaces::begin_launch(unsigned threads) {
  end_launch();
  active_ = new GlobalRaces(threads);
}

void GlobalRaces::end_launch() {
  delete active_;
  active_ = nullptr;
}

void GlobalRaces::tell_harmless_to(void (*note)(const KernelFault& harmless)) {
  tell_ = note;
  told_.clear();
}

std::uint32_t GlobalRaces::number_of(const CodePlace& place) {
  const auto hash = reinterpret_cast<std::uintptr_t>(place.code) + place.line;
  auto& recent = recent_places_[hash % recent_places_.size()];
  if (!places_.empty() && recent.first == place && place != CodePlace{}) return recent.second;
  const auto [found, added] = numbers_.try_emplace(place, static_cast<std::uint32_t>(places_.size()));
  if (added) places_.push_back(place);
  recent = *found;
  return found->second;
}

GlobalRaces::Page& GlobalRaces::page_of(std::uintptr_t at, std::size_t bytes) {
  const std::uintptr_t number = at / kPageBytes;
  Recent& recent = recent_[number % recent_.size()];
  if (recent.number != number) {
    Page& page = pages_[number];
    if (page.units.empty()) {
      page.shift = std::min(kMostShift, static_cast<unsigned>(std::countr_zero(at | bytes)));
      page.units.resize(kPageBytes >> page.shift);
      units_ += page.units.size();
    }
    recent = {number, &page};
  }
  split(*recent.page, at, bytes);
  return *recent.page;
}

/// Makes units so small that the access is of whole ones.
void GlobalRaces::split(Page& page, std::uintptr_t at, std::size_t bytes) {
  const auto shift = static_cast<unsigned>(std::countr_zero(at | bytes));
  if (shift >= page.shift) return;
  const std::size_t parts = std::size_t{1} << (page.shift - shift);
  std::vector<Unit> units;
  units.reserve(page.units.size() * parts);
  for (const Unit& unit : page.units) units.insert(units.end(), parts, unit);
  units_ += units.size() - page.units.size();
  page.units = std::move(units);
  page.shift = shift;
}

std::string GlobalRaces::note(std::uintptr_t at, std::size_t bytes, Access access, Strength strength,
                              const CodePlace& place) {
  if (has_given_up_) return {};
  settle();
  Touch touch = Block::current().touch(strength);
  touch.place = number_of(place);
  if (touch.is_strong() && access != Access::write) order_.acquire(at);
  for (std::uintptr_t begin = at; begin < at + bytes;) {
    const std::uintptr_t end = std::min(at + bytes, (begin / kPageBytes + 1) * kPageBytes);
    Page& page = page_of(begin, end - begin);
    for (; begin < end; begin += std::uintptr_t{1} << page.shift) {
      const Piece piece{begin, std::size_t{1} << page.shift};
      const auto conflict = note_unit(page.units[begin % kPageBytes >> page.shift], touch, access, piece);
      if (conflict && !may_be_harmless(*conflict, at, bytes)) return describe(*conflict);
    }
  }
  if (touch.is_strong() && access != Access::read) order_.release(at, touch);
  return units_ * sizeof(Unit) + order_.kept_bytes() > kMostBytes ? give_up(place) : std::string();
}

/// The launch goes on without the search, where somebody can be told so.
std::string GlobalRaces::give_up(const CodePlace& place) {
  const std::string memory = fmt::format("would take more than {} MiB of memory", kMostBytes >> 20);
  if (tell_ == nullptr) return "the search for races " + memory + ": launch it on less data";
  has_given_up_ = true;
  pages_ = {};
  recent_.fill({});
  const std::string text = "from here on races are not searched for in this launch, which " + memory;
  tell_(KernelFault(Block::current().place(), text, place_text(place)));
  return {};
}

bool GlobalRaces::is_ordered(const Touch& before, const Touch& touch) const {
  if (before.thread == Touch::kNobody) return true;
  if (before.block == touch.block && Block::current().orders(before, touch)) return true;
  return order_.orders(before);
}

/// The access as one that may race, and keeps it.
std::optional<GlobalRaces::Conflict> GlobalRaces::note_unit(Unit& unit, const Touch& touch, Access access,
                                                            Piece piece) {
  History& history = unit.history;
  const auto ordered = [&](const Touch& before) { return is_ordered(before, touch); };
  std::optional<Conflict> conflict;
  switch (race_of(history, touch, access, ordered)) {
    case Race::none:
      if (access != Access::read && !(touch.is_strong() && unit.other_read.is_strong()) &&
          !ordered(unit.other_read))
        conflict = {unit.other_read, touch, false, access, piece};
      break;
    case Race::read_after_write:
    case Race::write_after_write:
      conflict = {history.write, touch, true, access, piece};
      break;
    case Race::write_after_read:
      conflict = {history.read, touch, false, access, piece};
      break;
  }
  if (access == Access::read && history.read.block != touch.block) unit.other_read = history.read;
  if (!touch.is_strong() && access != Access::read)
    history.read = unit.other_read = {};  // all come before this one
  keep(history, touch, access, Block::current().barrier_time(), ordered);
  return conflict;
}

/// Whether a GPU runs it as it is meant, as far as that can be said before the access is made; then it is told, or will be.
bool GlobalRaces::may_be_harmless(const Conflict& conflict, std::uintptr_t begin, std::size_t bytes) {
  if (tell_ == nullptr) return false;
  const Touch &before = conflict.before, &now = conflict.now;
  if (!conflict.wrote || conflict.access == Access::read) {
    if ((conflict.wrote ? before : now).strength != Strength::compare_and_swap) return false;
    tell(conflict, "The value that is read may be an old one: as it is meant where the atomicCAS checks it");
    return true;
  }
  if (before.is_strong() || now.is_strong() || bytes > pending_.values.size()) return false;
  pending_ = {conflict, begin, bytes, {}};
  std::memcpy(pending_.values.data(), reinterpret_cast<const void*>(begin), bytes);
  return true;
}

/// What has become of the write that was to come.
void GlobalRaces::settle() {
  const std::size_t bytes = std::exchange(pending_.bytes, 0);
  if (bytes == 0) return;
  const Conflict& conflict = pending_.conflict;
  if (std::memcmp(pending_.values.data(), reinterpret_cast<const void*>(pending_.begin), bytes) == 0)
    return tell(conflict,
                "Both write the same value, so a GPU does as it is meant; CUDA calls it a race nevertheless");
  Block& block = Block::current();
  const KernelFault fault(block.place_of(conflict.now), describe(conflict),
                          place_text(places_[conflict.now.place]));
  if (block.runs_thread()) block.fail(fault);
  throw fault;
}

void GlobalRaces::tell(const Conflict& conflict, const char* what) {
  const auto [first, second] = std::minmax(places_[conflict.before.place], places_[conflict.now.place]);
  if (!told_.emplace(first, second).second) return;
  tell_({Block::current().place_of(conflict.now), fmt::format("{}. {}", describe(conflict), what),
         place_text(places_[conflict.now.place])});
}

std::string GlobalRaces::describe(const Conflict& conflict) const {
  const Block& block = Block::current();
  const Touch& before = conflict.before;
  std::string text = fmt::format(
      "{} {}, which {} {} at {}, and nothing orders the two", verb(conflict.access),
      Allocations::instance().text_of(conflict.piece.begin, conflict.piece.bytes, conflict.access),
      block.place_of(before),
      !conflict.wrote      ? "read"
      : before.is_strong() ? "updated"
                           : "wrote",
      place_text(places_[before.place]));
  if (before.block == block.number()) text += ": no barrier lies between them";
  if (const std::optional<Touch> atomic = order_.unfenced_atomic(before)) {
    text += fmt::format(": no __threadfence() between the {} and the atomic at {}",
                        conflict.wrote ? "write" : "read", place_text(places_[atomic->place]));
  }
  return text;
}

}  // namespace tern::emulator
