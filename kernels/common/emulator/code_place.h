// Texts for messages. For the emulator alone.
#pragma once

#include <source_location>
#include <string>

#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/emulator/touch.h"

namespace tern::emulator {

/// "kernels/softmax.cu:12", as far as the debug information goes.
std::string place_text(const CodePlace& place);
std::string place_text(std::source_location where);
/// "reads", "writes" or "updates"
const char* verb(Access access);

}  // namespace tern::emulator
