#include "engine/distributed/world.h"

namespace tern {
namespace {

std::unique_ptr<Communicator>& the_world() {
  static std::unique_ptr<Communicator> ranks;
  return ranks;
}

}  // namespace

Communicator& world() {
  std::unique_ptr<Communicator>& ranks = the_world();
  if (ranks == nullptr) {
    const Launch launch = launch_of_environment();
    try {
      ranks = launch.size > 1 ? make_mpi_communicator(launch) : make_local_communicator();
    } catch (const Error& error) {  // which all of them find: the first one says it
      if (launch.rank > 0) throw RankFailed(0, error.what());
      throw;
    }
  }
  return *ranks;
}

Communicator* started_world() {
  return the_world().get();
}

}  // namespace tern
