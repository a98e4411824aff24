// Races in global memory: within a block by shared memory's rule (touch.h), and between blocks of a launch. For the emulator
// alone.
//
// Two accesses of one piece of memory race if one of them writes, they are not both atomics, and nothing orders them
// (thread_order.h): also where both write the same value, as CUDA's memory model has it. A flag that one thread writes and
// another spins on, without atomics, is a race here whatever `volatile` says. Of many blocks that read, the last two are
// remembered.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/emulator/thread_order.h"
#include "kernels/common/emulator/touch.h"

namespace tern::emulator {

class GlobalRaces {
 public:
  /// Of the launch that runs; null while races are not asked for.
  static GlobalRaces* active() { return active_; }
  static void begin_launch(unsigned threads);
  static void end_launch();

  ThreadOrder& order() { return order_; }
  /// What is wrong with the running thread's access; empty if nothing is.
  std::string note(std::uintptr_t at, std::size_t bytes, Access access, const CodePlace& place);

 private:
  /// 1 to 16 bytes.
  struct Unit {
    History history;
    Touch other_read;  ///< the last by another block than history.read's
  };
  /// A page's units are as large as the accesses to it let them be.
  struct Page {
    unsigned shift = 0;
    std::vector<Unit> units;
  };
  struct Recent {
    std::uintptr_t number = ~std::uintptr_t{0};
    Page* page = nullptr;
  };

  explicit GlobalRaces(unsigned threads) : order_(threads) {}
  std::uint32_t number_of(const CodePlace& place);
  Page& page_of(std::uintptr_t at, std::size_t bytes);
  void split(Page& page, std::uintptr_t at, std::size_t bytes);
  std::string note_unit(Unit& unit, const Touch& touch, Access access, std::uintptr_t at);
  bool is_ordered(const Touch& before, const Touch& touch) const;
  std::string describe(const Touch& before, bool wrote, Access access, std::uintptr_t at) const;

  static inline GlobalRaces* active_ = nullptr;
  ThreadOrder order_;
  std::unordered_map<std::uintptr_t, Page> pages_;
  std::array<Recent, 256> recent_;
  std::size_t units_ = 0;
  std::map<CodePlace, std::uint32_t> numbers_;
  std::vector<CodePlace> places_;
  std::array<std::pair<CodePlace, std::uint32_t>, 256> recent_places_{};
};

}  // namespace tern::emulator
