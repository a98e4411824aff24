// The memory of a pickle's machine: the values made so far, the stack that opcodes work on with its marks,
// and the memo. All are bounded.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/io/pickle.h"
#include "engine/io/pickle_bytes.h"

namespace tern {

/// Every member throws Error by bytes.fail() for what is not there, and for more than a million of a kind.
class PickleStack {
 public:
  using Node = PickleNode;
  static constexpr std::size_t kMaxValues = 1'000'000;

  explicit PickleStack(const PickleBytes& bytes) : bytes_(bytes) {}

  Node* push_new(PickleKind kind) {
    if (pickle_.nodes.size() >= kMaxValues) fail_size();
    Node& node = pickle_.nodes.emplace_back();
    node.kind = kind;
    push(&node);
    return &node;
  }
  void push(Node* node) {
    if (stack_.size() >= kMaxValues) fail_size();
    stack_.push_back(node);
  }
  Node* pop() {
    if (is_at_mark()) bytes_.fail("it takes a value that is not there");
    Node* node = stack_.back();
    stack_.pop_back();
    return node;
  }
  Node* pop(PickleKind kind) {
    Node* node = pop();
    if (node->kind != kind) fail_kind(name_of(kind), *node);
    return node;
  }
  Node* top() {
    Node* node = pop();
    stack_.push_back(node);
    return node;
  }
  [[noreturn]] void fail_size() const {
    bytes_.fail("over a million values beside the tensors; torch.save(model.state_dict(), ...) writes none");
  }
  [[noreturn]] void fail_kind(const std::string& wanted, const Node& got) const {
    bytes_.fail("wanted a " + wanted + ", got a " + name_of(got.kind));
  }

  void mark() {
    if (marks_.size() >= kMaxValues) fail_size();
    marks_.push_back(stack_.size());
  }
  /// True if no value lies above the last mark.
  bool is_at_mark() const { return stack_.size() <= (marks_.empty() ? 0 : marks_.back()); }
  /// The values above the last mark, which goes with them.
  std::vector<const Node*> pop_to_mark() {
    if (marks_.empty()) bytes_.fail("it looks for a mark that is not there");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<const Node*> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }

  std::size_t memo_size() const { return memo_.size(); }
  void remember(std::uint64_t key) {
    if (memo_.size() >= kMaxValues) fail_size();
    memo_[key] = top();
  }
  void recall(std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) bytes_.fail("it recalls a value that it never stored");
    push(found->second);
  }

  /// What is on top is the whole.
  Pickle finish() {
    pickle_.root = pop();
    return std::move(pickle_);
  }

 private:
  const PickleBytes& bytes_;
  Pickle pickle_;
  std::vector<Node*> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, Node*> memo_;
};

}  // namespace tern
