// What calls of MPI take and answer.
#pragma once

#include <mpi.h>

#include <climits>
#include <string>

#include "engine/core/check.h"

namespace tern {

/// Throws Error unless MPI did what `call` names.
inline void check_mpi(int code, const char* call) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw Error(call, std::string(text, static_cast<std::size_t>(length)));
}

/// MPI counts in int.
inline int count_of(std::size_t size) {
  if (size > INT_MAX)
    throw Error("MPI", std::to_string(INT_MAX) + " elements at most in a call", std::to_string(size));
  return static_cast<int>(size);
}

}  // namespace tern
