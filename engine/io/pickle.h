// A reader of Python's pickle format, protocols 0 to 5, that executes nothing. Plain data become nodes of
// their kind. Whatever else there is becomes an object, which tells what Python would call and with what, and
// is never called here: a reader takes from it what it understands.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>

#include "engine/io/pickle_node.h"

namespace tern {

/// Owns all the nodes of one pickle; `root` may reach a node twice, or, in a hostile file, through itself.
struct Pickle {
  std::deque<PickleNode> nodes;
  const PickleNode* root = nullptr;
};

/// Arrays of NumPy, say, lie in the pickle itself.
inline constexpr std::size_t kMaxPickleBytes = std::size_t{256} << 20;

/// Throws Error{subject, ...} for a stream that ends early or is malformed, a protocol of the future, and one
/// of absurd size (over kMaxPickleBytes or a million values).
Pickle read_pickle(const std::string& subject, std::span<const std::byte> bytes);

}  // namespace tern
