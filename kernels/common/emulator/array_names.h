// How messages call memory that kernels touch: "x[3]", by the names of the pointers that a kernel is given and of variables. For
// the emulator alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/touch.h"

namespace tern::emulator {

/// Memory that belongs together, and what it is called if it has no other name: "cudaMalloc of 400 bytes (add.cu:12)".
struct MemoryRange {
  std::uintptr_t begin = 0;
  std::size_t bytes = 0;
  std::string name;
};

/// What an access touches, in words. An element is as large as its array's type says, or as the access where that is not known.
struct TouchedText {
  std::string
      element;  ///< "x[3]", "x[4] to x[7]", "x[3] (byte 8)"; without a name "element 3", or "bytes 2 to 5"
  std::string array;   ///< "x", or the range's name
  std::string extent;  ///< "100 elements of 4 bytes"
  std::string origin;  ///< ": " and the range's name if `array` does not say it; else empty

  std::string whole() const;  ///< "x[3]"; "element 3 of cudaMalloc of 400 bytes (add.cu:12)"
};

class ArrayNames {
 public:
  static ArrayNames& instance();

  void set(std::vector<ArrayName> names) { names_ = std::move(names); }
  const std::vector<ArrayName>& all() const { return names_; }
  /// `at` may lie outside of the range, which is told by where it would be.
  TouchedText text_of(const MemoryRange& range, std::uintptr_t at, std::size_t bytes, Access access) const;
  /// "x[3]" for an address outside of every allocation, which `x` points at or before; empty if none does.
  std::string text_outside(std::uintptr_t at, std::size_t bytes) const;

 private:
  const ArrayName* find(const MemoryRange& range, Access access) const;

  std::vector<ArrayName> names_;
};

}  // namespace tern::emulator
