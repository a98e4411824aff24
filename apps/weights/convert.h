// `tern convert IN OUT.safetensors`
#pragma once

#include <filesystem>
#include <string>

namespace tern {

/// Reads a .pth, .pt or .safetensors file and writes it as safetensors with the same names, types, bits and
/// layout. `key` names a state dict in a .pth; empty: the usual one. Returns a line that says which was taken
/// and what was left; empty for a file that holds one state dict and nothing else. Throws Error naming the
/// file at fault, also where `out` is `in`, and the tensor of a type that safetensors lacks; `out` is then as
/// it was before.
std::string convert(const std::filesystem::path& in, const std::filesystem::path& out,
                    const std::string& key = {});

}  // namespace tern
