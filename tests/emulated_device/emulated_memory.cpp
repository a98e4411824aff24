#include "tests/emulated_device/emulated_memory.h"

#include <cstring>
#include <span>
#include <vector>

#include "engine/core/check.h"
#include "tests/emulated_device/recording.h"

namespace tern::test {
namespace {

void copy(void* to, const void* from, std::size_t bytes) {
  const Opened opened;
  std::memmove(to, from, bytes);
}

/// Keeps the bytes until they are wanted: nothing overlaps here.
class EmulatedPrefetch final : public Prefetch {
 public:
  void begin(const void* host, std::size_t bytes) override {
    check(!begun_, "prefetched copy", "finish() before another begin()", "none");
    const auto* from = static_cast<const std::byte*>(host);
    bytes_.assign(from, from + bytes);
    begun_ = true;
  }
  void finish(void* to) override {
    check(begun_, "prefetched copy", "begin() before finish()", "none");
    if (!bytes_.empty()) copy(to, bytes_.data(), bytes_.size());
    begun_ = false;
  }

 private:
  std::vector<std::byte> bytes_;
  bool begun_ = false;
};

class EmulatedReadback final : public Readback {
 public:
  void begin(std::span<const Part> parts) override {
    check(!begun_, "readback", "finish() before another begin()", "none");
    bytes_.clear();
    const Opened opened;
    for (const Part& part : parts) {
      const auto* from = static_cast<const std::byte*>(part.from);
      bytes_.insert(bytes_.end(), from, from + part.bytes);
    }
    begun_ = true;
  }
  std::span<const std::byte> finish() override {
    check(begun_, "readback", "begin() before finish()", "none");
    begun_ = false;
    return bytes_;
  }

 private:
  std::vector<std::byte> bytes_;
  bool begun_ = false;
};

}  // namespace

EmulatedMemory& EmulatedMemory::instance() {
  static auto* const memory = new EmulatedMemory;
  return *memory;
}

void EmulatedMemory::copy_from_host(void* to, const void* host, std::size_t bytes) {
  const Arena& arena = Arena::instance();
  check(arena.contains(to) && !arena.contains(host), "copy", "from the host to the device", "another");
  check(!is_recording(), "capture", "work that stays on the device", "a copy from host memory");
  copy(to, host, bytes);
}

void EmulatedMemory::copy_to_host(void* host, const void* from, std::size_t bytes) {
  const Arena& arena = Arena::instance();
  check(arena.contains(from) && !arena.contains(host), "copy", "from the device to the host", "another");
  check(!is_recording(), "capture", "work that stays on the device", "a copy to host memory");
  copy(host, from, bytes);
}

void EmulatedMemory::copy_within(void* to, const void* from, std::size_t bytes) {
  const Arena& arena = Arena::instance();
  check(arena.contains(from) && arena.contains(to), "copy", "within the device", "another");
  issue([=] { copy(to, from, bytes); });
}

void EmulatedMemory::zero(void* to, std::size_t bytes) {
  issue([=] {
    const Opened opened;
    std::memset(to, 0, bytes);
  });
}

std::unique_ptr<Prefetch> EmulatedMemory::make_prefetch() {
  return std::make_unique<EmulatedPrefetch>();
}

std::unique_ptr<Readback> EmulatedMemory::make_readback() {
  return std::make_unique<EmulatedReadback>();
}

}  // namespace tern::test
