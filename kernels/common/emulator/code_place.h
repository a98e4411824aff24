// Texts for messages. For the emulator alone.
#pragma once

#include <string>

#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/emulator/touch.h"

namespace tern::emulator {

/// "kernels/softmax.cu:12", as far as the debug information goes.
std::string place_text(const CodePlace& place);
/// "reads", "writes" or "updates"
const char* verb(Access access);

}  // namespace tern::emulator
