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

#define atomicAdd_block atomicAdd
#define atomicAdd_system atomicAdd
#define atomicMin_block atomicMin
#define atomicMax_block atomicMax
#define atomicCAS_block atomicCAS
#define atomicCAS_system atomicCAS
#define atomicExch_block atomicExch
#define atomicExch_system atomicExch
