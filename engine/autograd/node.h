// The record behind a Variable; for engine/autograd alone.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/autograd/variable.h"

namespace tern::detail {

struct Node {
  Node() = default;
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  Tensor data;
  Tensor bf16_copy;         ///< leaves: the same values, if kept
  Tensor grad;              ///< leaves: kept; others: only while backward() runs
  bool grad_valid = false;  ///< false: grad holds nothing yet (its memory may be reused)
  bool requires_grad = false;
  const char* op = nullptr;  ///< null for a leaf
  std::vector<std::shared_ptr<Node>> inputs;
  AddingBackward backward;
  std::uint64_t visited = 0;  ///< the number of the last backward() that listed this node

  bool is_leaf() const { return op == nullptr; }
};

}  // namespace tern::detail
