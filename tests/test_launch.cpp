#include "engine/distributed/launch.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <string>
#include <utility>
#include <vector>

using namespace tern;

namespace {

/// The launch with these variables and none of the others.
Launch launch_with(const std::vector<std::pair<std::string, std::string>>& variables) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "PMI_SIZE", "PMI_RANK",
                           "MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "SLURM_NTASKS_PER_NODE",
                           "SLURM_NTASKS", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID"}) {
    unsetenv(name);
  }
  for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  return launch_of_environment();
}

}  // namespace

TEST_CASE("launch: by mpirun and srun, and on its own") {
  CHECK(launch_with({}).size == 1);
  CHECK(launch_with({}).variable.empty());

  const Launch open_mpi = launch_with({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "3"}});
  CHECK(open_mpi.size == 4);
  CHECK(open_mpi.rank == 3);
  CHECK(open_mpi.on_host == 1);
  CHECK(open_mpi.variable == "OMPI_COMM_WORLD_SIZE");

  CHECK(launch_with({{"PMI_SIZE", "2"}, {"PMI_RANK", "0"}}).size == 2);
  CHECK(launch_with({{"PMI_SIZE", "4"}, {"PMI_RANK", "0"}, {"MPI_LOCALNRANKS", "2"}}).on_host == 2);
  CHECK(launch_with({{"PMI_SIZE", "4"}, {"PMI_RANK", "0"}, {"MPI_LOCALNRANKS", "9"}}).on_host == 4);
  CHECK(launch_with({{"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "7"}}).rank == 7);
}

TEST_CASE("launch: a batch script of Slurm's is one process, whatever its steps will be") {
  CHECK(launch_with({{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}}).size == 1);
}

TEST_CASE("launch: numbers that cannot be are passed over") {
  CHECK(launch_with({{"PMI_SIZE", "2"}}).size == 1);
  CHECK(launch_with({{"PMI_SIZE", "2"}, {"PMI_RANK", "2"}}).size == 1);
  CHECK(launch_with({{"PMI_SIZE", "many"}, {"PMI_RANK", "0"}}).size == 1);
  CHECK(launch_with({{"PMI_SIZE", ""}, {"PMI_RANK", ""}}).size == 1);
}
