// The ranks that were started together.
#pragma once

#include "engine/distributed/communicator.h"
#include "engine/distributed/launch.h"

namespace tern {

/// All processes of the launch. Made at the first call, which all of them make. Throws Error where several were started and this
/// program has no MPI, or one that does not know of the others: each would do all of the work, over the others' files.
Communicator& world();

/// The same if it was made, else null.
Communicator* started_world();

/// Joins the processes of `launch`. Of the MPI that the program was built with, or of none (which throws Error).
std::unique_ptr<Communicator> make_mpi_communicator(const Launch& launch);

/// Whether there is an MPI, and which: "Open MPI v4.1.4"; empty for none.
std::string mpi_version();

}  // namespace tern
