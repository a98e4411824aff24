#include "engine/distributed/launch.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace tern {
namespace {

std::optional<int> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  int number = 0;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace

Launch launch_of_environment() {
  struct Names {
    const char *size, *rank, *on_host;
  };
  // Of Slurm's tasks on a machine ("2(x3),1", in the machines' order) none is the number of this one alone.
  for (const Names& names :
       {Names{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
        Names{"PMI_SIZE", "PMI_RANK", "MPI_LOCALNRANKS"},
        Names{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_NTASKS_PER_NODE"}}) {
    const std::optional<int> size = number_in(names.size), rank = number_in(names.rank);
    if (size && rank && *size > 1 && *rank >= 0 && *rank < *size)
      return {*size, *rank, std::clamp(number_in(names.on_host).value_or(1), 1, *size), names.size};
  }
  return {};
}

}  // namespace tern
