// The same network's tensors go by other names in other people's files: a wrapper puts a prefix before each,
// Hugging Face's ResNets have names of their own. Here they become torchvision's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/io/state_dict.h"

namespace tern {

/// Renames `tensors` as fits `network`, whose names alone count, best, with as few missing and extra as can
/// be; where the names fit as they are, or nothing is better, they stay. Tried are: without the prefixes of
/// wrappers ("module." of DataParallel, "_orig_mod." of torch.compile, those of FSDP and of checkpointing,
/// also within a name; AveragedModel's counter goes too); without a prefix that all names share; Hugging
/// Face's names of a ResNet as torchvision's. Tensors whose names begin with one of `ignored_prefixes` may be
/// extra, and counters of batches may be missing. Returns what was done, for people: "names without
/// \"module.\""; empty if nothing.
std::string fit_names(StateDict& tensors, const StateDict& network,
                      const std::vector<std::string>& ignored_prefixes = {});

/// Two remarks as one; either may be empty.
std::string join_notes(const std::string& first, const std::string& second);

/// "weights.pth (names without \"module.\")" as the subject of an error; the file alone for an empty note.
std::string with_note(const std::string& file, const std::string& note);

/// The weight [classes, features] of a classifier's last layer, by any name that fit_names() makes
/// "fc.weight"; nullptr if there is none. Valid while `tensors` is unchanged.
const Tensor* find_classifier(const StateDict& tensors);

/// True for "...num_batches_tracked", which PyTorch's batch norm counts in and nothing here depends on.
bool is_batch_counter(std::string_view name);

}  // namespace tern
