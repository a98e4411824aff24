// Reads what torch.save writes: a zip archive <prefix>/data.pkl (the structure, see pickle.h) and one
// <prefix>/data/<key> a storage (raw little-endian elements). No Python, and nothing in the file is executed.
#pragma once

#include <filesystem>

#include "engine/io/state_dict.h"

namespace tern {

/// The state dict in the file, in its order, types and layout: at the top, or under the key "state_dict" or
/// "model" of a checkpoint, whose other entries are left alone. Strided tensors are gathered to contiguous
/// ones, and each tensor gets elements of its own, also where the file shares a storage.
/// Throws Error{path, ...} if the archive is truncated or corrupted (CRC), if the pickle names anything
/// outside a state dict, if a tensor reaches outside its storage, or has a type that tern does not know
/// (bool, i8, ...).
StateDict read_torch_checkpoint(const std::filesystem::path& path);

/// The same, and as strict (checksums too), without keeping the elements.
std::vector<TensorDescription> describe_torch_checkpoint(const std::filesystem::path& path);

}  // namespace tern
