#include "tests/emulated_device/arena.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>

#include "engine/core/check.h"

namespace tern::test {
namespace {

// Addresses alone: a page costs memory only once it is touched. Blocks given back to the system are not
// reused, so that a test may allocate about this much in all.
constexpr std::size_t kReserved = std::size_t{64} << 30;
constexpr std::size_t kHugePage = std::size_t{2} << 20;  // opening and closing costs time by the page

}  // namespace

Arena& Arena::instance() {
  static Arena* const arena = new Arena;
  return *arena;
}

Arena::Arena() {
  void* const memory =
      mmap(nullptr, kReserved + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw Error("emulated device", "64 GiB of addresses", "none");
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  base_ = static_cast<std::byte*>(memory) + (kHugePage - address % kHugePage) % kHugePage;
  madvise(base_, kReserved, MADV_HUGEPAGE);
}

void Arena::open() {
  if (opened_++ == 0) protect(PROT_READ | PROT_WRITE);
}

void Arena::close() {
  if (--opened_ == 0) protect(PROT_NONE);
}

bool Arena::contains(const void* address) const {
  const auto* place = static_cast<const std::byte*>(address);
  return place >= base_ && place < base_ + kReserved;
}

void Arena::protect(int protection) {
  if (used_ > 0 && mprotect(base_, (used_ + kHugePage - 1) / kHugePage * kHugePage, protection) != 0) {
    throw Error("emulated device", "pages to be protected", "a failure");
  }
}

void* Arena::allocate(std::size_t bytes) {
  if (bytes > kReserved - used_) return nullptr;
  std::byte* const block = base_ + used_;
  used_ += bytes;
  if (opened_ > 0) protect(PROT_READ | PROT_WRITE);
  const Opened opened;
  std::memset(block, 0xff, bytes);
  return block;
}

void Arena::free(void*) noexcept {}

}  // namespace tern::test
