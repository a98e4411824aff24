#include "kernels/common/emulator/accesses.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <vector>

#include "kernels/common/emulator/allocations.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/code_place.h"
#include "kernels/common/emulator/global_races.h"
#include "kernels/common/emulator/kernel_fault.h"
#include "kernels/common/emulator/patience.h"
#include "kernels/common/emulator/profile/request_counter.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace tern::emulator {
namespace {

#if defined(__SANITIZE_ADDRESS__)
std::atomic<unsigned> watched{kPoison};
#else
std::atomic<unsigned> watched{0};
#endif

#if defined(__SANITIZE_ADDRESS__)
/// Kernels are not compiled for AddressSanitizer: two sanitizers would be one too many.
void check_poison(const void* address, std::size_t bytes, Access access) {
  if (__asan_region_is_poisoned(const_cast<void*>(address), bytes) == nullptr) return;
  const volatile char* const byte = static_cast<const volatile char*>(address);
  for (std::size_t i = 0; i < bytes; ++i) {  // touched here, so that AddressSanitizer reports it
    const char value = byte[i];
    if (access != Access::read) const_cast<volatile char*>(byte)[i] = value;
  }
}
#else
void check_poison(const void*, std::size_t, Access) {}
#endif

void (*tell_unwritten)(const KernelFault&) = nullptr;

struct Constants {
  std::uintptr_t begin;
  std::size_t bytes;
};
std::vector<Constants>& constants() {
  static auto* const all = new std::vector<Constants>;  // filled before main
  return *all;
}

bool is_constant(const void* address) {
  for (const Constants& one : constants()) {
    if (reinterpret_cast<std::uintptr_t>(address) - one.begin < one.bytes) return true;
  }
  return false;
}

/// What a GPU has in registers and constants: threadIdx and the like, and what calls the kernel.
bool is_built_in(const void* address) {
  const auto in = [address](const auto& variable) {
    return reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(&variable) <
           sizeof(variable);
  };
  return in(threadIdx) || in(blockIdx) || in(blockDim) || in(gridDim) || in(Block::current().kernel()) ||
         is_constant(address);
}

/// A read of what nobody has written, which is told or a fault.
std::string unwritten_fault(std::uintptr_t at, std::size_t bytes, Access access, const CodePlace& place) {
  Allocations& allocations = Allocations::instance();
  const std::string fault = allocations.unwritten_fault(at, bytes, access);
  if (fault.empty() || tell_unwritten == nullptr) return fault;
  tell_unwritten(KernelFault(Block::current().place(), fault, place_text(place)));
  allocations.forget_unwritten(at);
  return {};
}

/// What is wrong with an access to global memory; empty if nothing is.
std::string global_fault(unsigned watching, std::uintptr_t at, std::size_t bytes, Access access,
                         Strength strength, const CodePlace& place) {
  Allocations& allocations = Allocations::instance();
  std::string fault;
  if ((watching & kBounds) != 0) fault = allocations.bounds_fault(at, bytes, access);
  if (fault.empty() && (watching & kUnwritten) != 0) fault = unwritten_fault(at, bytes, access, place);
  GlobalRaces* const races = GlobalRaces::active();
  if (fault.empty() && races != nullptr) fault = races->note(at, bytes, access, strength, place);
  return fault;
}

struct How {
  Access access;
  std::size_t alignment = 1;  ///< that the compiler relies on
  Strength strength = Strength::plain;
};

/// All but the plain access to global memory.
[[gnu::noinline]] void note_watched(const void* address, std::size_t bytes, const How& how,
                                    const CodePlace& place) {
  const Unnoted unnoted;
  const unsigned watching = watched.load(std::memory_order_relaxed);
  const Space space = SharedMemory::holds(address) ? Space::shared : Space::global;
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  Block& block = Block::current();
  if ((watching & kPatience) != 0) Patience::end(place);
  if (space == Space::global && (bytes == 0 || is_built_in(address))) return;
  std::string fault = space == Space::shared
                          ? block.shared().note(address, bytes, how.access)
                          : global_fault(watching, at, bytes, how.access, how.strength, place);
  if (fault.empty() && at % how.alignment != 0 && (space == Space::shared || (watching & kBounds) != 0)) {
    const std::string what =
        space == Space::shared ? "shared memory" : Allocations::instance().text_of(at, bytes, how.access);
    fault = fmt::format("{} {} by {} bytes at once, whose address is not aligned to them", verb(how.access),
                        what, bytes);
  }
  if (!fault.empty()) block.fail(fault, place_text(place));
  if (space == Space::global && (watching & kPoison) != 0) check_poison(address, bytes, how.access);
  if ((watching & kCounting) == 0) return;
  // A GPU has instructions for 1, 2, 4, 8 and 16 bytes: a float3, or a longer struct, goes by its parts. Which they are its
  // type would say, which is not known here: the largest that fit, pointers being 8.
  const bool is_one = bytes <= 16 && std::has_single_bit(bytes);
  const std::size_t both = bytes | at;
  const std::size_t part = is_one ? bytes : both % 8 == 0 ? 8 : both % 4 == 0 ? 4 : 1;
  for (std::size_t done = 0; done < bytes; done += part)
    RequestCounter::active()->note(block.thread(), place, space, how.access, at + done, part);
}

/// Nobody wants to know of an access there.
inline bool is_plain(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) - own_stack.begin < own_stack.bytes ||
         (watched.load(std::memory_order_relaxed) == 0 && !SharedMemory::holds(address));
}

inline void note(const void* address, std::size_t bytes, const How& how, const CodePlace& place) {
  if (!is_plain(address)) note_watched(address, bytes, how, place);
}

}  // namespace

void watch(Watch what, bool on) {
  if (on)
    watched |= what;
  else
    watched &= ~what;
}

void tell_unwritten_to(void (*told)(const KernelFault&)) {
  tell_unwritten = told;
}

void note_constants(const void* begin, std::size_t bytes) {
  constants().push_back({reinterpret_cast<std::uintptr_t>(begin), bytes});
}

void forget_constants(const void* begin) {
  std::erase_if(constants(),
                [=](const Constants& one) { return one.begin == reinterpret_cast<std::uintptr_t>(begin); });
}

bool is_watched(Watch what) {
  return (watched.load(std::memory_order_relaxed) & what) != 0;
}

void note_access(const void* address, std::size_t bytes, Access access, Strength strength,
                 std::source_location where) {
  note(address, bytes, {access, 1, strength}, {nullptr, where.file_name(), where.line()});
}

}  // namespace tern::emulator

// What the compiler calls. The names are ThreadSanitizer's; see GCC's sanitizer.def.
extern "C" {

// Of 16 bytes, 8 may be all that the type is aligned to.
// (Asked first, so that what tells of the access is made only if somebody wants it.)
#define TERN_ACCESS(name, bytes, access, alignment, strength)                                      \
  void __tsan_##name##bytes(void* p) {                                                             \
    if (tern::emulator::is_plain(p)) return;                                                       \
    tern::emulator::note_watched(                                                                  \
        p, bytes, {tern::emulator::Access::access, alignment, tern::emulator::Strength::strength}, \
        {__builtin_return_address(0)});                                                            \
  }
#define TERN_ACCESSES(bytes)                                               \
  TERN_ACCESS(read, bytes, read, bytes < 8 ? bytes : 8, plain)             \
  TERN_ACCESS(write, bytes, write, bytes < 8 ? bytes : 8, plain)           \
  TERN_ACCESS(unaligned_read, bytes, read, 1, plain)                       \
  TERN_ACCESS(unaligned_write, bytes, write, 1, plain)                     \
  TERN_ACCESS(volatile_read, bytes, read, bytes < 8 ? bytes : 8, strong)   \
  TERN_ACCESS(volatile_write, bytes, write, bytes < 8 ? bytes : 8, strong) \
  TERN_ACCESS(unaligned_volatile_read, bytes, read, 1, strong)             \
  TERN_ACCESS(unaligned_volatile_write, bytes, write, 1, strong)
TERN_ACCESSES(1)
TERN_ACCESSES(2)
TERN_ACCESSES(4)
TERN_ACCESSES(8)
TERN_ACCESSES(16)
#undef TERN_ACCESSES
#undef TERN_ACCESS

void __tsan_read_range(void* p, unsigned long bytes) {
  tern::emulator::note(p, bytes, {tern::emulator::Access::read}, {__builtin_return_address(0)});
}
void __tsan_write_range(void* p, unsigned long bytes) {
  tern::emulator::note(p, bytes, {tern::emulator::Access::write}, {__builtin_return_address(0)});
}
// Clang copies with these.
void* __tsan_memcpy(void* to, const void* from, unsigned long bytes) {
  tern::emulator::note(from, bytes, {tern::emulator::Access::read}, {__builtin_return_address(0)});
  tern::emulator::note(to, bytes, {tern::emulator::Access::write}, {__builtin_return_address(0)});
  return __builtin_memcpy(to, from, bytes);
}
void* __tsan_memmove(void* to, const void* from, unsigned long bytes) {
  tern::emulator::note(from, bytes, {tern::emulator::Access::read}, {__builtin_return_address(0)});
  tern::emulator::note(to, bytes, {tern::emulator::Access::write}, {__builtin_return_address(0)});
  return __builtin_memmove(to, from, bytes);
}
void* __tsan_memset(void* to, int value, unsigned long bytes) {
  tern::emulator::note(to, bytes, {tern::emulator::Access::write}, {__builtin_return_address(0)});
  return __builtin_memset(to, value, bytes);
}
// Of an object's pointer to its functions.
void __tsan_vptr_read(void** p) {
  tern::emulator::note(p, sizeof *p, {tern::emulator::Access::read}, {__builtin_return_address(0)});
}
void __tsan_vptr_update(void** p, void*) {
  tern::emulator::note(p, sizeof *p, {tern::emulator::Access::write}, {__builtin_return_address(0)});
}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}
}
