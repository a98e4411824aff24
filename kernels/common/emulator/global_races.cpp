#include "kernels/common/emulator/global_races.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "kernels/common/emulator/allocations.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/code_place.h"

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

std::string GlobalRaces::note(std::uintptr_t at, std::size_t bytes, Access access, bool strong,
                              const CodePlace& place) {
  Touch touch = Block::current().touch(strong);
  touch.place = number_of(place);
  if (strong && access != Access::write) order_.acquire(at);
  for (std::uintptr_t begin = at; begin < at + bytes;) {
    const std::uintptr_t end = std::min(at + bytes, (begin / kPageBytes + 1) * kPageBytes);
    Page& page = page_of(begin, end - begin);
    for (; begin < end; begin += std::uintptr_t{1} << page.shift) {
      std::string fault = note_unit(page.units[begin % kPageBytes >> page.shift], touch, access, begin);
      if (!fault.empty()) return fault;
    }
  }
  if (strong && access != Access::read) order_.release(at, touch);
  if (units_ * sizeof(Unit) + order_.kept_bytes() > kMostBytes) {
    return fmt::format("the search for races would take more than {} MiB of memory: launch it on less data",
                       kMostBytes >> 20);
  }
  return {};
}

bool GlobalRaces::is_ordered(const Touch& before, const Touch& touch) const {
  if (before.thread == Touch::kNobody) return true;
  if (before.block == touch.block && Block::current().orders(before, touch)) return true;
  return order_.orders(before);
}

std::string GlobalRaces::note_unit(Unit& unit, const Touch& touch, Access access, std::uintptr_t at) {
  History& history = unit.history;
  const auto ordered = [&](const Touch& before) { return is_ordered(before, touch); };
  switch (race_of(history, touch, access, ordered)) {
    case Race::none:
      break;
    case Race::read_after_write:
    case Race::write_after_write:
      return describe(history.write, true, access, at);
    case Race::write_after_read:
      return describe(history.read, false, access, at);
  }
  if (access != Access::read && !(touch.atomic && unit.other_read.atomic) &&
      !is_ordered(unit.other_read, touch))
    return describe(unit.other_read, false, access, at);
  if (access == Access::read && history.read.block != touch.block) unit.other_read = history.read;
  if (!touch.atomic && access != Access::read)
    history.read = unit.other_read = {};  // all come before this one
  keep(history, touch, access, Block::current().barrier_time(), ordered);
  return {};
}

std::string GlobalRaces::describe(const Touch& before, bool wrote, Access access, std::uintptr_t at) const {
  const Block& block = Block::current();
  const bool same_block = before.block == block.number();
  std::string text = fmt::format("{} {}, which {} {} at {}, and nothing orders the two", verb(access),
                                 Allocations::instance().text_of(at), block.place_of(before),
                                 !wrote          ? "read"
                                 : before.atomic ? "updated"
                                                 : "wrote",
                                 place_text(places_[before.place]));
  if (same_block) text += ": no barrier lies between them";
  if (const std::optional<Touch> atomic = order_.unfenced_atomic(before)) {
    text += fmt::format(": no __threadfence() between the {} and the atomic at {}", wrote ? "write" : "read",
                        place_text(places_[atomic->place]));
  }
  return text;
}

}  // namespace tern::emulator
