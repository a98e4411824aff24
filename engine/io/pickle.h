// A restricted reader of Python's pickle format (protocols 2 to 5): builds plain data and tensor
// descriptions, calls nothing. Only the globals a state dict needs are known:
//   collections.OrderedDict, torch._utils._rebuild_tensor_v2, torch._utils._rebuild_parameter,
//   torch.<X>Storage
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace tern {

enum class PickleKind { none, boolean, integer, real, text, tuple, list, dict, global, storage, tensor };

const char* name_of(PickleKind kind);

/// One value. Only the members of its kind are set.
struct PickleNode {
  PickleKind kind = PickleKind::none;
  std::int64_t integer = 0;  ///< integer, boolean; storage: number of elements; tensor: offset in the storage
  double real = 0;
  std::string text;                      ///< text; global: its dotted name; storage: its key in the archive
  std::string type;                      ///< storage: "Float", "Half", ...
  std::vector<const PickleNode*> items;  ///< tuple, list; dict: key, value, key, value; tensor: its storage
  std::vector<std::int64_t> sizes, strides;  ///< tensor, in elements
};

/// Owns all the nodes of one pickle; `root` may reach a node twice, or, in a hostile file, through itself.
struct Pickle {
  std::deque<PickleNode> nodes;
  const PickleNode* root = nullptr;
};

/// Throws Error{subject, ...} for an opcode or a global that is not for a state dict (named in the message),
/// a stream that ends early or is malformed, and one of absurd size (over 32 MB or a million values).
Pickle read_pickle(const std::string& subject, std::span<const std::byte> bytes);

}  // namespace tern
