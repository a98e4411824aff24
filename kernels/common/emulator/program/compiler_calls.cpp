// Atomic operations of a translated program's host code and of the standard library's headers: compiled for ThreadSanitizer,
// they come as calls (see accesses.h; the names are in GCC's sanitizer.def). Here they are what they would be without it.
#include <cstdint>

extern "C" {

#define TERN_FETCH(bits, T, name) \
  T __tsan_atomic##bits##_fetch_##name(volatile T* p, T value, int) { return __atomic_fetch_##name(p, value, __ATOMIC_SEQ_CST); }
#define TERN_ATOMICS(bits, T)                                                                                  \
  T __tsan_atomic##bits##_load(const volatile T* p, int) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }      \
  void __tsan_atomic##bits##_store(volatile T* p, T value, int) { __atomic_store_n(p, value, __ATOMIC_SEQ_CST); } \
  T __tsan_atomic##bits##_exchange(volatile T* p, T value, int) {                                              \
    return __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                            \
  bool __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* expected, T value, int, int) {          \
    return __atomic_compare_exchange_n(p, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);         \
  }                                                                                                            \
  bool __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* expected, T value, int, int) {            \
    return __atomic_compare_exchange_n(p, expected, value, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);          \
  }                                                                                                            \
  TERN_FETCH(bits, T, add)                                                                                     \
  TERN_FETCH(bits, T, sub)                                                                                     \
  TERN_FETCH(bits, T, and)                                                                                     \
  TERN_FETCH(bits, T, or)                                                                                      \
  TERN_FETCH(bits, T, xor)                                                                                     \
  TERN_FETCH(bits, T, nand)
TERN_ATOMICS(8, std::uint8_t)
TERN_ATOMICS(16, std::uint16_t)
TERN_ATOMICS(32, std::uint32_t)
TERN_ATOMICS(64, std::uint64_t)
#undef TERN_ATOMICS
#undef TERN_FETCH

void __tsan_atomic_thread_fence(int) {
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
void __tsan_atomic_signal_fence(int) {
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
}
}
