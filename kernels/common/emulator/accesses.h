// What a kernel does to memory, told by the compiler: kernels are compiled with -fsanitize=thread, which puts a call
// before every load and store that may be seen by others, and these calls come here instead of to ThreadSanitizer. So a
// kernel's source stays CUDA's.
//
// A thread's own stack is left out, and so is everything outside of kernels. Shared memory is watched (shared_memory.h).
// Global memory is plain memory, unless its checks are on (global_memory.h); in a build with AddressSanitizer its poison is
// asked for. Both are counted while somebody profiles (profile.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>

#include "kernels/common/emulator/shared_memory.h"

namespace tern::emulator {

class KernelFault;

/// Who wants to know of an access to global memory. Without any it costs two comparisons.
enum Watch : unsigned {
  kCounting = 1,
  kPoison = 2,
  kBounds = 4,
  kUnwritten = 8,
  kRaces = 16,
  kPatience = 32
};
void watch(Watch what, bool on);
bool is_watched(Watch what);

/// The stack of the kernel's thread that runs: not noted. Everything is on it while none does.
struct StackRange {
  std::uintptr_t begin = 0;
  std::size_t bytes = SIZE_MAX;
};
inline StackRange own_stack;

/// While it lives, nothing is noted: where the emulator works on a kernel's thread, and calls the standard library, of whose functions
/// the linker may have taken the program's, in which the compiler tells of accesses.
class Unnoted {
 public:
  Unnoted() { own_stack = {}; }
  ~Unnoted() { own_stack = before_; }
  Unnoted(const Unnoted&) = delete;
  Unnoted& operator=(const Unnoted&) = delete;

 private:
  StackRange before_ = own_stack;
};

/// An access that the compiler does not tell of. Does not return if it is a fault.
void note_access(const void* address, std::size_t bytes, Access access, Strength strength,
                 std::source_location where);

/// GlobalChecks::unwritten_read.
void tell_unwritten_to(void (*told)(const KernelFault& read));

/// Memory that a GPU has in its constant cache: not counted as global memory.
void note_constants(const void* begin, std::size_t bytes);
void forget_constants(const void* begin);

}  // namespace tern::emulator
