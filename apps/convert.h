// `tern convert IN OUT.safetensors`
#pragma once

#include <filesystem>

namespace tern {

/// Reads a .pth, .pt or .safetensors file and writes it as safetensors with the same names, types, bits and
/// layout. Throws Error naming the file at fault, also where `out` is `in`; `out` is then as it was before.
void convert(const std::filesystem::path& in, const std::filesystem::path& out);

}  // namespace tern
