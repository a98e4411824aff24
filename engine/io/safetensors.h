// The safetensors format: 8 bytes header length (little-endian), a JSON header
//   {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
//   ...}
// and the tensors' bytes, row-major and little-endian, without gaps; offsets count from the header's end.
#pragma once

#include <filesystem>

#include "engine/io/state_dict.h"

namespace tern {

struct SafetensorsFile {
  StateDict tensors;  ///< in the order of their bytes in the file, in the file's types and layout
  Metadata metadata;
};

/// Types F32, F16, BF16, F64, U8, I32, I64. Trusts nothing: throws Error{path, ...}, naming the tensor, for
/// any header that is too long, is no such JSON, names a tensor twice or an unknown type, or whose offsets
/// leave the file, overlap, leave a gap or disagree with the shape. Allocates no more than the file holds.
SafetensorsFile read_safetensors(const std::filesystem::path& path);

/// Writes the tensors as they are, in their order, by AtomicFile: whole or not at all. The header is padded
/// with spaces so that the first tensor starts at a multiple of 8 bytes. Tensors of 8-byte elements come
/// first in the file and 1-byte ones last, in the given order otherwise, so that each is aligned to its
/// element. Throws Error{path, ...} for an empty or repeated name, an undefined tensor, or a disk that is
/// full.
void write_safetensors(const std::filesystem::path& path, const StateDict& tensors,
                       const Metadata& metadata = {});

}  // namespace tern
