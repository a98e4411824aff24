// Several processes that do a command's work together (engine/distributed): how they are started, and what of their machines
// each may use.
#pragma once

#include <string>

#include "apps/common/runtime.h"
#include "engine/distributed/world.h"

namespace tern {

/// Throws Error where several processes were started for a command that does its work in one: they would write over each other.
void check_alone();

/// Becomes mpirun with `ranks` processes of this program and its arguments, on this machine; returns in those. Throws Error if
/// there is no mpirun, if this program has no MPI, or if a launcher has started another number.
void start_ranks(int ranks);

/// What a rank has of its machine.
struct RankCores {
  int threads = 1;     ///< for this rank
  std::string remark;  ///< how many of each host's cores are used, a line a host, and whether some stay idle
};

/// Called by all ranks. `asked`: by --threads, for each rank; 0: as OMP_NUM_THREADS says, else its share of the cores it may run
/// on, which are those that the launcher has bound it to.
RankCores share_cores(Communicator& ranks, int asked);

/// Threads for one of so many processes on this machine that do not ask each other: its share of the machine's cores, of those
/// that it may run on.
int threads_beside(int on_host);

/// prepare_runtime() on several ranks, each with its threads; the root says how many. `work`: "a training". Throws Error{--device, ...}
/// for a GPU.
Device prepare_ranks(Communicator& ranks, RuntimeOptions runtime, const std::string& work);

/// Throws Error naming the first rank whose `value` is not the root's. what: "the images and labels".
void check_alike(Communicator& ranks, const std::string& what, const std::string& value);

}  // namespace tern
