// Modules: what has parameters and buffers. One description, visit(), serves parameters(), state_dict() and
// load_state_dict(). Names, order and shapes are torchvision's, so that a file made here loads there.
#pragma once

#include <string>
#include <vector>

#include "engine/autograd/variable.h"
#include "engine/io/state_dict.h"
#include "engine/optim/parameter.h"

namespace tern {

/// Is shown a module's state in torchvision's order. Handles share their elements with the module.
class StateVisitor {
 public:
  virtual ~StateVisitor() = default;
  virtual void parameter(const std::string& name, const Variable& value, ParameterKind kind) = 0;
  virtual void buffer(const std::string& name, const Tensor& value) = 0;
};

class Module {
 public:
  virtual ~Module() = default;

  /// Shows every parameter and buffer to `visitor`, each name led by `prefix` ("" or "backbone.").
  virtual void visit(const std::string& prefix, StateVisitor& visitor) const = 0;

  std::vector<ParameterEntry> parameters(const std::string& prefix = "") const;

  /// Parameters and buffers in memory layout. The tensors share their elements with the module (clone() them
  /// for a snapshot), but for those of kind scale, which are [1] here and a scalar [] in files.
  StateDict state_dict(const std::string& prefix = "") const;

  /// Sets requires_grad of every parameter.
  void set_requires_grad(bool requires_grad) const;
};

struct LoadOptions {
  /// Tensors in the file that the module lacks are passed over if their name begins with one of these.
  std::vector<std::string> ignored_prefixes;
  /// Leads every name of the module in the file.
  std::string prefix;
};

/// Copies `tensors` (memory layout, as load_weights() gives them) into the module, all or none. Throws
/// Error{source, ...}, naming the first few of each kind and how many more there are, if tensors are missing,
/// extra, of another shape (told in file layout), of another type or named twice, or if one to be copied
/// holds NaN or infinity, or is a variance (`running_var`) below 0, of which there is no root.
/// `num_batches_tracked` may be missing, as in files from before PyTorch 0.4.1, and of any type of real
/// number, as in PyTorch: casting a state dict casts it too.
void load_state_dict(const Module& module, const StateDict& tensors, const std::string& source,
                     const LoadOptions& options = {});

/// The same from a .pth or .safetensors file.
void load_state_dict(const Module& module, const std::filesystem::path& path,
                     const LoadOptions& options = {});

/// "NaN or infinity in 1 tensor: conv1.weight (3 of 9408)", naming the first few; empty if there is none.
std::string non_finite_text(const StateDict& tensors);

/// The weights of convolutions are kept in bf16 too (Variable::bf16_copy), for training in that precision.
void keep_bf16_weights(const Module& module);

/// Number of elements of all parameters.
std::int64_t parameter_count(const Module& module);

}  // namespace tern
