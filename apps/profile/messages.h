// A compiler's messages about a translated program, for somebody who has not seen the translation.
#pragma once

#include <string>
#include <vector>

namespace tern::profile {

/// Without the lines that lead into the emulator's headers.
std::string without_noise(const std::string& messages);

/// Of a program that does not compile: "x.cu:12: tex2D is not emulated. ...", once for each part of CUDA that the messages miss.
std::vector<std::string> parts_not_emulated(const std::string& messages);

/// What the translation refuses (kRefusal): "x.cu:2" and what came; empty if it does not.
struct Refused {
  std::string place, got;
};
Refused refused(const std::string& messages);

}  // namespace tern::profile
