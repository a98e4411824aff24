// Reads what torch.save writes: a zip archive <prefix>/data.pkl (the structure, see pickle.h) and one
// <prefix>/data/<key> a storage (raw little-endian elements). No Python, and nothing in the file is executed.
#pragma once

#include <filesystem>

#include "engine/io/state_dict.h"

namespace tern {

struct TorchCheckpoint {
  StateDict tensors;
  StateDictPlace place;
};

/// A state dict of the file, in its order, types and layout: the one at `key`, or the usual one for an empty
/// key, as find_state_dict() of checkpoint_keys.h has it. The checkpoint's other entries are left alone,
/// whatever they are. Strided tensors are gathered to contiguous ones, lazy negation and conjugation are
/// done, and each tensor gets elements of its own, also where the file shares a storage (up to 128 MiB beyond
/// sixteen times the file). Throws Error{path,
/// ...} if the archive is truncated or corrupted (CRC), if there is no state dict, or, naming the tensor, if
/// one of the state dict reaches outside its storage, or is none that torch_tensor() of torch_objects.h
/// reads.
TorchCheckpoint read_torch_checkpoint(const std::filesystem::path& path, const std::string& key = {});

struct TorchCheckpointDescription {
  std::vector<TensorDescription> tensors;
  StateDictPlace place;
};

/// The same, and as strict (checksums too), without keeping the elements.
TorchCheckpointDescription describe_torch_checkpoint(const std::filesystem::path& path,
                                                     const std::string& key = {});

}  // namespace tern
