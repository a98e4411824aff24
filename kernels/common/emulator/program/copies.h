// memcpy, memmove and memset of translated programs (translate.h): in kernels the emulator is told what they touch. GCC tells of none
// that it does not make loads and stores of; Clang tells of all.
#pragma once

#include <string.h>

#include "kernels/common/emulator/emulator.h"

namespace tern::emulator::program {

/// Of the kernel's thread that runs; nothing in host code.
void note_copy(const void* to, const void* from, std::size_t bytes, TernPlace where);

}  // namespace tern::emulator::program

#if defined(__clang__)
#define tern_memcpy memcpy
#define tern_memmove memmove
#define tern_memset memset
#else
// What is small, and of a size that is known, GCC does by loads and stores.
#define TERN_COPY(name)                                                                             \
  __attribute__((always_inline)) inline void* tern_##name(void* to, const void* from, size_t bytes, \
                                                          TernPlace where = TernPlace::current()) { \
    if (!(__builtin_constant_p(bytes) && bytes <= 16))                                              \
      tern::emulator::program::note_copy(to, from, bytes, where);                                   \
    return __builtin_##name(to, from, bytes);                                                       \
  }
TERN_COPY(memcpy)
TERN_COPY(memmove)
#undef TERN_COPY
__attribute__((always_inline)) inline void* tern_memset(void* to, int value, size_t bytes,
                                                        TernPlace where = TernPlace::current()) {
  if (!(__builtin_constant_p(bytes) && bytes <= 16))
    tern::emulator::program::note_copy(to, nullptr, bytes, where);
  return __builtin_memset(to, value, bytes);
}
#endif
