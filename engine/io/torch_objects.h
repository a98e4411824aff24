// What PyTorch's pickles say of a tensor: which of torch's functions would rebuild it, from which part of
// which storage. Nothing is called.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/io/pickle_node.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/shape.h"

namespace tern {

struct TorchTensor {
  std::string storage;             ///< its key in the archive
  std::int64_t storage_bytes = 0;  ///< as the pickle has it
  DType dtype = DType::f32;
  std::int64_t offset = 0;  ///< all three in elements; in pairs of them for f4
  std::vector<std::int64_t> sizes, strides;
  bool conjugate = false,
       negative = false;  ///< the true values are the conjugates, the negatives, of the stored ones

  /// The shape in elements: that of `sizes`, with twice as many along the last axis for f4.
  Shape shape() const;
};

/// True for what would be a tensor in PyTorch, whether or not it can be read here.
bool is_torch_tensor(const PickleNode& node);

/// True for a tensor of real floating-point numbers with one axis at least, as weights are, and counters,
/// losses and states of random generators are not. Takes what cannot be read for no weight.
bool is_torch_weight(const PickleNode& node);

/// The tensor, through torch's wrappers of one (Parameter, subclasses that keep elements in a storage).
/// Throws Error{subject, ...} for one that is not a tensor, has no elements in a storage of its own (meta,
/// sparse, nested, quantised, wrapper subclasses), is of a type that tern does not know, has metadata that
/// are not understood, has too many axes, or is described by something else than PyTorch would write.
TorchTensor torch_tensor(const std::string& subject, const PickleNode& node);

}  // namespace tern
