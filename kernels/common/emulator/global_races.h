// Races in global memory: within a block by shared memory's rule (touch.h), and between blocks of a launch. For the emulator
// alone.
//
// Two accesses of one piece of memory race if one of them writes, they are not both atomic or of volatile memory, and nothing
// orders them (thread_order.h). Two kinds of races do on a GPU what their authors mean, and may be told apart: a plain read beside
// an atomicCAS, which checks what was read, and several threads that write the same value.
//
// Blocks run one after another, so a block that spins until a later one has written a flag never ends (set_patience). Of many
// blocks that read, the last two are remembered.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernels/common/emulator/kernel_fault.h"
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
  /// Told, once for each pair of lines, of races that a GPU runs as they are meant; null: they are faults.
  static void tell_harmless_to(void (*note)(const KernelFault& harmless));

  ThreadOrder& order() { return order_; }
  /// What is wrong with the running thread's access; empty if nothing is.
  std::string note(std::uintptr_t at, std::size_t bytes, Access access, Strength strength,
                   const CodePlace& place);
  /// To be called when the running block has ended. Throws Error if its last write is a fault.
  void end_block() { settle(); }

 private:
  struct Piece {
    std::uintptr_t begin;
    std::size_t bytes;
  };
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
  /// Two accesses that nothing orders.
  struct Conflict {
    Touch before, now;
    bool wrote = false;  ///< before
    Access access = Access::read;
    Piece piece{};
  };
  /// A write over another's, of which the next access or the block's end shows whether it has changed anything.
  struct Pending {
    Conflict conflict;
    std::uintptr_t begin = 0;
    std::size_t bytes = 0;  ///< 0: there is none
    std::array<std::byte, 16> values{};
  };
  struct Recent {
    std::uintptr_t number = ~std::uintptr_t{0};
    Page* page = nullptr;
  };

  explicit GlobalRaces(unsigned threads) : order_(threads) {}
  std::uint32_t number_of(const CodePlace& place);
  Page& page_of(std::uintptr_t at, std::size_t bytes);
  void split(Page& page, std::uintptr_t at, std::size_t bytes);
  std::optional<Conflict> note_unit(Unit& unit, const Touch& touch, Access access, Piece piece);
  bool is_ordered(const Touch& before, const Touch& touch) const;
  bool may_be_harmless(const Conflict& conflict, std::uintptr_t begin, std::size_t bytes);
  void settle();
  std::string give_up(const CodePlace& place);
  void tell(const Conflict& conflict, const char* what);
  std::string describe(const Conflict& conflict) const;

  static inline GlobalRaces* active_ = nullptr;
  static inline void (*tell_)(const KernelFault&) = nullptr;
  static inline std::set<std::pair<CodePlace, CodePlace>> told_;
  ThreadOrder order_;
  std::unordered_map<std::uintptr_t, Page> pages_;
  std::array<Recent, 256> recent_;
  std::size_t units_ = 0;
  bool has_given_up_ = false;
  std::map<CodePlace, std::uint32_t> numbers_;
  std::vector<CodePlace> places_;
  std::array<std::pair<CodePlace, std::uint32_t>, 256> recent_places_{};
  Pending pending_;
};

}  // namespace tern::emulator
