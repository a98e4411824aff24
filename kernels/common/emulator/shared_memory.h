// A block's shared memory, watched: each element of each array knows who wrote and read it last, and since which
// barriers. The arrays are plain memory, as in CUDA; what kernels do to it is told by accesses.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/common/emulator/touch.h"

namespace tern::emulator {

/// An array that addresses lie in.
struct ArrayRange {
  std::string name;
  std::uintptr_t begin = 0;
  std::size_t bytes = 0, element_bytes = 1;
};

class SharedMemory {
 public:
  SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  void begin_launch(std::size_t dynamic_bytes);
  /// The array that is declared there, of `count` elements; made by the first thread that comes by, for the whole launch.
  /// `inner`: as shared_array has it (emulator.h). Throws Error if the block's arrays take more than a GPU has.
  void* array(const char* name, const char* file, int line, std::size_t element_bytes, std::size_t count,
              std::span<const std::size_t> inner = {});
  /// The launch's dynamic shared memory, as elements of that size.
  void* dynamic_array(const char* name, std::size_t element_bytes);

  /// Static and dynamic, that the launch has asked for so far.
  std::size_t used_bytes() const { return used_bytes_; }

  /// Those of the launch.
  std::vector<ArrayRange> arrays() const;

  /// Whether the address is shared memory, or so near to it that a kernel has missed an array there.
  static bool holds(const void* address) {
    return reinterpret_cast<std::uintptr_t>(address) - reserve_ < kReserveBytes;
  }
  /// What is wrong with the running thread's access to an address that is held; empty if nothing is.
  std::string note(const void* address, std::size_t bytes, Access access);

 private:
  // An index of 32 bits, whatever it is, misses an array by less than this. Address space alone: nothing is used.
  static constexpr std::size_t kReserveBytes = std::size_t{64} << 30;

  struct Array {
    std::string name;
    const char* file = "";
    int line = 0;
    std::uintptr_t begin = 0;
    std::size_t element_bytes = 0, count = 0;
    std::size_t unit_bytes =
        0;  ///< of a history: an element, or what a kernel takes of one under another type
    std::vector<History> histories;
    std::span<const std::size_t> inner;  ///< extents but the first

    /// "element 5 of 64"; of a matrix "element 264 of 1056 ([8][0])".
    std::string text_of(std::int64_t element) const;
    void divide(std::size_t bytes);  ///< into units that divide these bytes, too
  };

  Array& find_or_add(const char* name, const char* file, int line, std::size_t element_bytes,
                     std::size_t count, std::span<const std::size_t> inner);
  Array* nearest(std::uintptr_t address);
  std::string note_unit(Array& array, std::size_t unit, Access access) const;

  inline static std::uintptr_t reserve_ = ~std::uintptr_t{0};  ///< of the program's only block
  std::uintptr_t next_ = 0;
  std::size_t dynamic_bytes_ = 0, used_bytes_ = 0;
  std::vector<Array> arrays_;
  Array* last_ = nullptr;  ///< found last
};

}  // namespace tern::emulator
