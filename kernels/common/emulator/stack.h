// Stacks that code runs on in turn: a thread of a kernel has one, which it leaves in the middle and comes back to. Written
// for x86-64, as the emulator's compiler options are. A library's switch (Boost.Context's) also keeps the floating-point
// modes, which kernels do not change, and leaves by a jump, after which the processor guesses every return wrong: together
// three times the cost.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tern::emulator {

class Stack {
 public:
  Stack() = default;
  /// Of which `entry`, which never returns, is called by the first switch to it. With a page below that ends the program when
  /// it is touched. Never freed.
  Stack(std::size_t bytes, void (*entry)());

  const void* bottom() const { return bottom_; }
  std::size_t bytes() const { return bytes_; }

 private:
  friend void switch_stack(Stack& from, Stack& to, void** fake);
  friend void note_arrival(Stack* left, void* fake);

  const void* bottom_ = nullptr;
  std::size_t bytes_ = 0;
  void* at_ = nullptr;  ///< while it is left: where it goes on
};

extern "C" void tern_switch_stack(void** from, void* to);

#if defined(__SANITIZE_ADDRESS__)
extern "C" void __sanitizer_start_switch_fiber(void** fake, const void* bottom, std::size_t bytes);
extern "C" void __sanitizer_finish_switch_fiber(void* fake, const void** bottom, std::size_t* bytes);
#endif

/// Must be called first on a stack that is new, with the one that was left, and is by switch_stack on others: where that one
/// lies is known to AddressSanitizer alone if it is a thread's of the system.
inline void note_arrival([[maybe_unused]] Stack* left, [[maybe_unused]] void* fake) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, &left->bottom_, &left->bytes_);
#endif
}

/// Goes on where `to` was left, until somebody goes on here. `fake`: for AddressSanitizer, of this stack.
inline void switch_stack(Stack& from, Stack& to, [[maybe_unused]] void** fake) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(fake, to.bottom_, to.bytes_);
#endif
  tern_switch_stack(&from.at_, to.at_);
}

}  // namespace tern::emulator
