// A model on several ranks: all of them hold the same one, of which the root's is what counts.
#pragma once

#include <cstdint>

#include "engine/distributed/communicator.h"
#include "models/module.h"

namespace tern {

/// Parameters and buffers become the root's. On the CPU. Whoever has folded or recorded the module does it anew.
void broadcast_state(Communicator& ranks, const Module& module);

/// Buffers alone: the running statistics of batch norm, where each rank has followed its own images.
void broadcast_buffers(Communicator& ranks, const Module& module);

/// Throws Error naming the ranks whose parameters are not the root's to the bit. `when`: "after epoch 3".
void check_same_parameters(Communicator& ranks, const Module& module, const std::string& when);

}  // namespace tern
