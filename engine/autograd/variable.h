// A tensor that remembers how it was made, so that gradients can flow back. An op computes its output and
// calls record(); the tape (tape.h) does the rest.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "engine/tensor/tensor.h"

namespace tern {

/// Input gradients in the order of the inputs. An undefined Tensor says "none": the input needs none.
using Grads = std::vector<Tensor>;
/// Maps the gradient of an op's output to those of its inputs. Runs at most once.
using Backward = std::function<Grads(const Tensor& dy)>;
/// One that may spare the tape a sum. sums[i] is the gradient that input i has from other ops so far, if memory may be written
/// there, else undefined. Where the op moves sums[i] out of there and returns it with its own gradient added, that is taken
/// for the sum; where it leaves it, what it returns is added as always.
using AddingBackward = std::function<Grads(const Tensor& dy, Grads& sums)>;

namespace detail {
struct Node;
}

/// A handle: copies share the value, the gradient and the history.
class Variable {
 public:
  Variable() = default;
  /// A leaf. With requires_grad its gradient is kept after backward() until clear_grad().
  explicit Variable(Tensor data, bool requires_grad = false);

  bool defined() const { return node_ != nullptr; }
  const Tensor& data() const;
  Tensor& data();
  const Shape& shape() const { return data().shape(); }
  bool requires_grad() const;
  void set_requires_grad(bool requires_grad);  ///< leaves only
  /// The accumulated gradient; undefined before the first backward() and after clear_grad().
  const Tensor& grad() const;
  /// Takes `gradient` as it is, for work that writes gradients without a tape (a recorded step). Leaves only.
  void set_grad(Tensor gradient);
  /// Forgets the gradient's values but keeps its memory: the next backward() overwrites it.
  void clear_grad();

  /// The value rounded to bf16, which conv2d takes for its weights beside a bf16 x instead of rounding them at each call;
  /// undefined unless refresh_bf16_copy() has made it.
  const Tensor& bf16_copy() const;
  /// Makes the copy, or writes it anew in its memory. Of a leaf of f32. Optimisers and load_state_dict() keep it true; whoever
  /// else writes data() calls this.
  void refresh_bf16_copy();

 private:
  friend Variable record(const char* op, std::vector<Variable> inputs, Tensor output,
                         AddingBackward backward);
  friend void backward(const Variable& output, const Tensor& gradient,
                       const std::function<void(const Variable&)>& leaf_ready);
  explicit Variable(std::shared_ptr<detail::Node> node) : node_(std::move(node)) {}

  std::shared_ptr<detail::Node> node_;
};

/// The output of an op as a Variable. Keeps `backward` and the inputs' history if gradients are enabled and
/// an input needs one; otherwise just the value.
Variable record(const char* op, std::vector<Variable> inputs, Tensor output, Backward backward);
Variable record(const char* op, std::vector<Variable> inputs, Tensor output, AddingBackward backward);

/// True unless a NoGrad is alive on this thread.
bool grad_enabled();

/// True if an op on these inputs will be recorded: an op may then keep what its backward needs.
bool will_record(std::initializer_list<const Variable*> inputs);

/// While alive, ops on this thread record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};

}  // namespace tern
