#include "engine/autograd/tape.h"

#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "engine/autograd/node.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"

namespace tern {
namespace {

using detail::Node;
using NodePointer = std::shared_ptr<Node>;

// The nodes that `root` depends on and that need a gradient, each after its inputs. Depth-first without
// recursion: a chain of ops may be longer than the stack is deep.
std::vector<NodePointer> topological_order(const NodePointer& root) {
  static std::atomic<std::uint64_t> passes = 0;
  const std::uint64_t pass = ++passes;
  std::vector<NodePointer> order;
  std::vector<std::pair<NodePointer, std::size_t>> stack{{root, 0}};
  root->visited = pass;
  while (!stack.empty()) {
    auto& [node, next] = stack.back();
    if (next == node->inputs.size()) {
      order.push_back(node);
      stack.pop_back();
      continue;
    }
    const NodePointer input = node->inputs[next++];
    if (input == nullptr || !input->requires_grad || input->visited == pass) continue;
    input->visited = pass;
    stack.emplace_back(input, 0);
  }
  return order;
}

Tensor converted(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor y = Tensor::empty(x.shape(), dtype, x.device());
  convert(x, y);
  return y;
}

// node.grad += gradient. An op may hand the same tensor to several inputs, so memory is written only when it
// is ours. The gradient of an f32 parameter may come as bf16 (conv2d): alone it stays so, but sums have the
// value's type, so that many small gradients are not lost.
void accumulate(Node& node, const Tensor& gradient) {
  check_same_shape(node.is_leaf() ? "gradient" : node.op, node.data, gradient);
  if (!node.grad_valid) {
    const bool keep_memory = node.is_leaf() && node.grad.defined() && node.grad.dtype() == gradient.dtype() &&
                             !gradient.sole_owner();
    if (keep_memory) {
      node.grad.assign(gradient);
    } else {
      node.grad = gradient;
    }
    node.grad_valid = true;
    return;
  }
  node.grad = converted(node.grad, node.data.dtype());
  const Tensor term = converted(gradient, node.data.dtype());
  if (node.grad.sole_owner()) {
    add(node.grad, term, node.grad);
    return;
  }
  Tensor sum = Tensor::empty_like(term);
  add(node.grad, term, sum);
  node.grad = std::move(sum);
}

// The gradients of a node's inputs that its op may add to. Those of leaves are their owners'.
Grads take_sums(const Node& node) {
  Grads sums(node.inputs.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    Node* const input = node.inputs[i].get();
    if (input == nullptr || input->is_leaf() || !input->grad_valid) continue;
    if (!input->grad.sole_owner() || input->grad.dtype() != input->data.dtype()) continue;
    sums[i] = std::exchange(input->grad, Tensor());
    input->grad_valid = false;
  }
  return sums;
}

void run_backward(Node& node) {
  if (!node.backward) {
    throw Error(node.op, "a history to go back through", "one that an earlier backward() has freed");
  }
  Grads sums = take_sums(node);
  Grads grads = node.backward(node.grad, sums);
  if (grads.size() != node.inputs.size()) {
    throw Error(node.op, std::to_string(node.inputs.size()) + " input gradients",
                std::to_string(grads.size()));
  }
  node.grad = Tensor();
  node.grad_valid = false;
  node.backward = nullptr;  // frees what the op saved
  for (std::size_t i = 0; i < grads.size(); ++i) {
    const NodePointer& input = node.inputs[i];
    if (input == nullptr || !input->requires_grad) continue;
    if (sums[i].defined()) {  // the op has left it
      input->grad = std::move(sums[i]);
      input->grad_valid = true;
    }
    if (!grads[i].defined()) throw Error(node.op, "a gradient for input " + std::to_string(i), "none");
    const Tensor gradient = std::move(grads[i]);
    accumulate(*input, gradient);
  }
  node.inputs.clear();
}

}  // namespace

void backward(const Variable& output, const Tensor& gradient, const LeafReady& leaf_ready) {
  check(output.requires_grad(), "backward", "a value that depends on one with requires_grad",
        "one that does not");
  check_same_shape("backward", output.data(), gradient);
  std::vector<NodePointer> order = topological_order(output.node_);
  accumulate(*output.node_, gradient);
  while (!order.empty()) {
    const NodePointer node = std::move(order.back());
    order.pop_back();
    if (!node->is_leaf()) {
      run_backward(*node);
    } else if (leaf_ready) {  // all that it went into comes before it in this order
      leaf_ready(Variable(node));
    }
  }
}

void backward(const Variable& output) {
  if (output.data().numel() != 1) {
    throw Error("backward", "one element, or a gradient to start from", output.shape().text());
  }
  Tensor one = Tensor::empty_like(output.data());
  fill(1.0f, one);
  backward(output, one);
}

}  // namespace tern
