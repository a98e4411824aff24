// CUDA's libraries, which are not emulated. For the translation alone.
#pragma once

#include <string_view>

namespace tern::emulator {

/// What somebody may do who includes the header; null if it is no library's.
const char* instead_of_library(std::string_view header);

}  // namespace tern::emulator
