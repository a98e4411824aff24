// The device's allocations, and which of their bytes were written. For the emulator alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernels/common/emulator/array_names.h"
#include "kernels/common/emulator/shared_memory.h"

namespace tern::emulator {

class Allocations {
 public:
  static Allocations& instance();

  void add(std::uintptr_t begin, std::size_t bytes, std::string name);
  void remove(std::uintptr_t begin);
  void add_addresses(std::uintptr_t begin, std::size_t bytes);
  void mark_written(std::uintptr_t begin, std::size_t bytes);
  void mark_all_written();
  /// Whether writes are kept for allocations from now on; if not, all there are count as written.
  void keep_written(bool keep);

  /// What is wrong with an access to `bytes` bytes (at least one); empty if nothing is.
  std::string bounds_fault(std::uintptr_t at, std::size_t bytes, Access access);
  /// Notes a write; what is wrong with a read.
  std::string unwritten_fault(std::uintptr_t at, std::size_t bytes, Access access);
  /// All of the allocation that holds the address counts as written from now on.
  void forget_unwritten(std::uintptr_t at);
  /// The parts of allocations that have names (name_arrays), each up to its allocation's end.
  std::vector<ArrayRange> named();
  /// "x[3]" or "element 3 of NAME", or the address where there is none.
  std::string text_of(std::uintptr_t at, std::size_t bytes, Access access);

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  struct Allocation {
    std::size_t bytes = 0;
    std::string name;
    bool freed = false;
    std::unique_ptr<std::uint8_t, Free> written;  ///< a bit a byte; null: all of it
  };
  using Map = std::map<std::uintptr_t, Allocation>;  ///< by where they begin; none overlap

  Map::iterator find(std::uintptr_t at);
  Map::iterator nearest(std::uintptr_t at);
  bool is_near(std::uintptr_t at, Map::iterator allocation) const;
  TouchedText touched(Map::iterator allocation, std::uintptr_t at, std::size_t bytes, Access access) const;
  std::string describe(std::uintptr_t at, std::size_t bytes, Access access);

  Map all_;
  std::vector<std::pair<std::uintptr_t, std::size_t>> addresses_;  ///< of the device alone
  bool keeps_written_ = false;
  std::size_t freed_ = 0;
  std::uintptr_t last_begin_ = 0;  ///< of what was found last: live
  std::size_t last_bytes_ = 0;
  std::uint8_t* last_written_ = nullptr;  ///< its bits
};

}  // namespace tern::emulator
