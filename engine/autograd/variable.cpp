#include "engine/autograd/variable.h"

#include <algorithm>
#include <utility>

#include "engine/autograd/node.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"

namespace tern {
namespace {

thread_local bool grad_is_enabled = true;

}  // namespace

// A chain of ops may be longer than the stack is deep, so the history is taken apart without recursion.
detail::Node::~Node() {
  std::vector<std::shared_ptr<Node>> pending = std::move(inputs);
  while (!pending.empty()) {
    const std::shared_ptr<Node> node = std::move(pending.back());
    pending.pop_back();
    if (node.use_count() != 1) continue;  // held by others, or an input left out
    for (std::shared_ptr<Node>& input : node->inputs) pending.push_back(std::move(input));
    node->inputs.clear();
  }
}

Variable::Variable(Tensor data, bool requires_grad) : node_(std::make_shared<detail::Node>()) {
  if (requires_grad && data.dtype() != DType::f32) {
    throw Error("variable", "f32 for a value with a gradient", name_of(data.dtype()));
  }
  node_->data = std::move(data);
  node_->requires_grad = requires_grad;
}

const Tensor& Variable::data() const {
  check(defined(), "variable", "a value", "an undefined variable");
  return node_->data;
}

Tensor& Variable::data() {
  check(defined(), "variable", "a value", "an undefined variable");
  return node_->data;
}

bool Variable::requires_grad() const {
  return defined() && node_->requires_grad;
}

void Variable::set_requires_grad(bool requires_grad) {
  check(defined() && node_->is_leaf(), "variable", "a leaf to set requires_grad of", "an op's output");
  node_->requires_grad = requires_grad;
}

const Tensor& Variable::grad() const {
  static const Tensor none;
  return defined() && node_->grad_valid ? node_->grad : none;
}

void Variable::set_grad(Tensor gradient) {
  check(defined() && node_->is_leaf() && node_->requires_grad, "set_grad", "a leaf that requires a gradient",
        "another");
  check_same_shape("set_grad", node_->data, gradient);
  node_->grad = std::move(gradient);
  node_->grad_valid = true;
}

void Variable::clear_grad() {
  if (defined()) node_->grad_valid = false;
}

const Tensor& Variable::bf16_copy() const {
  static const Tensor none;
  return defined() ? node_->bf16_copy : none;
}

void Variable::refresh_bf16_copy() {
  check(defined() && node_->is_leaf() && node_->data.dtype() == DType::f32, "refresh_bf16_copy",
        "a leaf of f32", "another");
  Tensor& copy = node_->bf16_copy;
  if (!copy.defined()) copy = Tensor::empty(node_->data.shape(), DType::bf16, node_->data.device());
  convert(node_->data, copy);
}

Variable record(const char* op, std::vector<Variable> inputs, Tensor output, Backward backward) {
  return record(
      op, std::move(inputs), std::move(output),
      AddingBackward([plain = std::move(backward)](const Tensor& dy, Grads&) { return plain(dy); }));
}

Variable record(const char* op, std::vector<Variable> inputs, Tensor output, AddingBackward backward) {
  Variable result(std::move(output));
  const bool needed =
      std::any_of(inputs.begin(), inputs.end(), [](const Variable& x) { return x.requires_grad(); });
  if (!grad_enabled() || !needed) return result;
  detail::Node& node = *result.node_;
  node.requires_grad = true;
  node.op = op;
  node.backward = std::move(backward);
  node.inputs.reserve(inputs.size());
  for (const Variable& input : inputs) node.inputs.push_back(input.node_);
  return result;
}

bool grad_enabled() {
  return grad_is_enabled;
}

bool will_record(std::initializer_list<const Variable*> inputs) {
  return grad_enabled() &&
         std::any_of(inputs.begin(), inputs.end(), [](const Variable* x) { return x->requires_grad(); });
}

NoGrad::NoGrad() : before_(std::exchange(grad_is_enabled, false)) {}

NoGrad::~NoGrad() {
  grad_is_enabled = before_;
}

}  // namespace tern
