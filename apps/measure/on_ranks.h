// A command whose work several ranks share.
#pragma once

#include <functional>

#include "apps/common/runtime.h"
#include "engine/distributed/communicator.h"

namespace tern {

/// Does `work` on the ranks of the options, which have all returned from it when this returns: those that are not the root are silent
/// and may return as soon as the root needs them no longer. The number is the root's.
int on_ranks(const RuntimeOptions& options, const std::function<int(Communicator&)>& work);

}  // namespace tern
