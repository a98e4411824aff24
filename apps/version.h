// tern's version; the same as in CMakeLists.txt, which test_cli checks.
#pragma once

namespace tern {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace tern
