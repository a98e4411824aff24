// Launches that never end: global_memory.h's set_patience. For the emulator alone.
//
// A timer of the launching thread's processor time looks now and then whether the running thread of the kernel is still the one
// that it was. If that, or the launch, takes too long, the next access to memory or meeting of threads ends the launch. If none
// comes by the next look, the code that runs is the kernel's own, and touches nothing that others see: it is left where it is,
// for good, and the launch ends as well.
#pragma once

#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

/// While a launch runs.
class Patience {
 public:
  Patience();
  ~Patience();
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  /// Ends the launch, which takes too long and is there now.
  [[noreturn]] static void end(const CodePlace& place);
};

}  // namespace tern::emulator
