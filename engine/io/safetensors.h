// The safetensors format: 8 bytes header length (little-endian), a JSON header
//   {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
// and the tensors' bytes, row-major and little-endian, without gaps; offsets count from the header's end.
#pragma once

#include <filesystem>

#include "engine/io/state_dict.h"

namespace tern {

struct SafetensorsFile {
  StateDict tensors;  ///< in the header's order, in the file's types and layout
  Metadata metadata;
};

/// Has every type of safetensors 0.8. Trusts nothing: throws Error{path, ...}, naming the tensor, for
/// any header that is too long, is no such JSON, names a tensor twice or an unknown type, or whose offsets
/// leave the file, overlap, leave a gap or disagree with the shape. Allocates no more than the file holds.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

struct SafetensorsHeader {
  std::vector<TensorDescription> tensors;
  Metadata metadata;
};

/// The same, and as strict, without the tensors' bytes.
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

/// Writes the tensors as they are by AtomicFile: whole or not at all. The header names them in the given
/// order. Their bytes start at a multiple of 8, those of 8-byte elements first and of 1-byte elements last,
/// in the given order otherwise: without gaps (the format allows none) each tensor is aligned to its element.
/// Throws Error{path, ...} for an empty or repeated name, an undefined tensor, a type that the format lacks
/// (c32, c128), or a disk that is full.
void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const Metadata& metadata = {});

}  // namespace tern
