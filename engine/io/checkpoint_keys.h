// Where in a checkpoint its weights are: trainers keep one or several state dicts beside optimisers, epochs
// and arguments.
#pragma once

#include <string>
#include <vector>

#include "engine/io/pickle_node.h"
#include "engine/io/state_dict.h"

namespace tern {

struct NamedNode {
  const std::string* name;
  const PickleNode* tensor;
};

struct FoundStateDict {
  std::vector<NamedNode> tensors;  ///< in the state dict's order
  StateDictPlace place;
};

/// The state dict at `key`, which names a key of the checkpoint, or, with dots, of what lies in it (numbers
/// for the places of a list), or "." for the checkpoint itself. By default (an empty key) the one under
/// "state_dict", "model" or "model_state_dict"; else the checkpoint itself if it holds tensors; else the only
/// one in it. Throws Error{subject, ...} if there is none, or are several and none is named so; if a key of
/// the state dict is no text; if two are the same; or if one that is to be told of is over 1000 bytes long.
FoundStateDict find_state_dict(const std::string& subject, const PickleNode& root, const std::string& key);

}  // namespace tern
