// The optimiser's state parted among ranks that train together: each keeps the moments of some parameters and updates those, whose
// new values then come to all (stage 1 of ZeRO, Rajbhandari et al. 2020, arXiv 1910.02054). Of Adam's 8 bytes for each parameter a
// rank has 8 / ranks; the gradients stay whole on all. Every element is computed as without, to the bit.
#pragma once

#include <vector>

#include "engine/distributed/communicator.h"
#include "engine/optim/optimizer.h"

namespace tern {

/// For each of several tensors in a row the rank that keeps it: contiguous parts of about as many elements, so that any rank may
/// have none. `sizes` in elements.
std::vector<int> keepers_of(const std::vector<std::int64_t>& sizes, int ranks);

class OptimizerShards {
 public:
  /// From now on `optimizer`, of parameters on the CPU that are the same on all ranks, keeps this rank's part alone. Both must outlive this.
  OptimizerShards(Communicator& ranks, Optimizer& optimizer);

  /// After each step, by all ranks: every parameter becomes its keeper's.
  void share_parameters();

  /// By all ranks: the moments of all parameters at the root, as Optimizer::state() would be if that kept all; nothing elsewhere.
  std::vector<OptimizerTensor> gather_state();

 private:
  Communicator& ranks_;
  Optimizer& optimizer_;
  std::vector<Variable> parameters_;
  std::vector<int> keepers_;  ///< of each parameter
};

}  // namespace tern
