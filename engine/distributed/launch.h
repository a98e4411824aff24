// How many processes this one was started with, by what launchers leave in the environment: known before any of them is asked.
#pragma once

#include <string>

namespace tern {

struct Launch {
  int size = 1;
  int rank = 0;
  int on_host = 1;       ///< how many of them are on this machine, as far as the launcher says
  std::string variable;  ///< what said so: "OMPI_COMM_WORLD_SIZE"; empty for a process on its own
};

/// By mpirun of Open MPI (OMPI_COMM_WORLD_SIZE), that of MPICH and its kin (PMI_SIZE), or srun (SLURM_STEP_NUM_TASKS; in a batch
/// script, which srun has not started, SLURM_NTASKS says nothing about it).
Launch launch_of_environment();

}  // namespace tern
