// What a program has that was built without MPI.
#include "engine/distributed/world.h"

namespace tern {

std::unique_ptr<Communicator> make_mpi_communicator(const Launch& launch) {
  throw Error(launch.variable,
              "1, since this tern was built without MPI (of Debian: libopenmpi-dev, then build it anew)",
              std::to_string(launch.size));
}

std::string mpi_version() {
  return "";
}

}  // namespace tern
