// The memory of the emulated device: pages of the host that nobody may touch, except while a kernel, a copy
// or a primitive is at work. Host code that reads or writes a device's memory ends with a segmentation fault
// here, as it would with a GPU.
#pragma once

#include <cstddef>

#include "engine/device/pooled_allocator.h"

namespace tern::test {

class Arena final : public MemorySource {
 public:
  /// Made on first use, never destroyed.
  static Arena& instance();

  void* allocate(std::size_t bytes) override;  ///< full of NaN
  void free(void* block) noexcept override;

  /// Between the two the memory may be touched, by any thread. They nest.
  void open();
  void close();
  bool contains(const void* address) const;

 private:
  Arena();
  void protect(int protection);

  std::byte* base_ = nullptr;
  std::size_t used_ = 0;  ///< bytes from the base that were ever handed out
  int opened_ = 0;
};

/// Opens the arena for a scope.
class Opened {
 public:
  Opened() { Arena::instance().open(); }
  ~Opened() { Arena::instance().close(); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

}  // namespace tern::test
