// CUDA's atomic functions that emulator.h has not. Blocks and threads take turns, so each is a plain read and write.
#pragma once

#include "kernels/common/emulator/emulator.h"

namespace tern::emulator::program {

/// Puts `change(old)` in place, and gives the old value.
template <typename T, typename Change>
TERN_UNTOLD T change(T* place, TernPlace where, Change change) {
  note_atomic(place, sizeof(T), where);
  const T before = *place;
  *place = change(before);
  return before;
}

}  // namespace tern::emulator::program

#define TERN_ATOMIC(name, expression)                                                                   \
  template <typename T>                                                                                 \
  TERN_UNTOLD T name(T* place, std::type_identity_t<T> value, TernPlace where = TernPlace::current()) { \
    return tern::emulator::program::change(place, where,                                                \
                                           [value](T old) TERN_UNTOLD -> T { return expression; });     \
  }
TERN_ATOMIC(atomicSub, old - value)
TERN_ATOMIC(atomicMin, value < old ? value : old)
TERN_ATOMIC(atomicExch, (static_cast<void>(old), value))
TERN_ATOMIC(atomicAnd, old& value)
TERN_ATOMIC(atomicOr, old | value)
TERN_ATOMIC(atomicXor, old ^ value)
TERN_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
TERN_ATOMIC(atomicDec, old == 0 || old > value ? value : old - 1)
#undef TERN_ATOMIC

template <typename T>
TERN_UNTOLD T atomicCAS(T* place, std::type_identity_t<T> expected, std::type_identity_t<T> value,
                        TernPlace where = TernPlace::current()) {
  tern::emulator::note_compare_and_swap(place, sizeof(T), where);
  const T before = *place;
  if (before == expected) *place = value;
  return before;
}

// Of a block, or of the whole system: the same here.
#define TERN_SCOPES(name)                                                                            \
  template <typename T>                                                                              \
  T name##_block(T* place, std::type_identity_t<T> value, TernPlace where = TernPlace::current()) {  \
    return name(place, value, where);                                                                \
  }                                                                                                  \
  template <typename T>                                                                              \
  T name##_system(T* place, std::type_identity_t<T> value, TernPlace where = TernPlace::current()) { \
    return name(place, value, where);                                                                \
  }
TERN_SCOPES(atomicAdd)
TERN_SCOPES(atomicSub)
TERN_SCOPES(atomicMin)
TERN_SCOPES(atomicMax)
TERN_SCOPES(atomicExch)
TERN_SCOPES(atomicAnd)
TERN_SCOPES(atomicOr)
TERN_SCOPES(atomicXor)
TERN_SCOPES(atomicInc)
TERN_SCOPES(atomicDec)
#undef TERN_SCOPES
#define atomicCAS_block atomicCAS
#define atomicCAS_system atomicCAS
