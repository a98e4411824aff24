// How long an operation takes at least on a GPU, by its bytes and its products alone: the roofline model (Williams, Waterman,
// Patterson 2009). What it leaves out: the launch itself, the arithmetic of kernels, and that a cache may hold what another
// operation has left there.
#pragma once

#include <string>

#include "benchmarks/account/operation.h"
#include "kernels/common/emulator/profile/devices.h"

namespace tern::account {

/// 10^12 multiplications and additions a second, by the data sheet. Throws Error where the GPU's tensor cores do not take them.
double tflops_of(Arithmetic arithmetic, const emulator::Device& gpu);

struct Roof {
  double memory_us = 0, math_us = 0;

  double us() const { return memory_us > math_us ? memory_us : math_us; }
};
Roof roof_of(const Operation& operation, const emulator::Device& gpu);

/// Operations together.
struct Total {
  std::string name;
  std::int64_t launches = 0, bytes_read = 0, bytes_written = 0;
  double flop = 0;
  double us = 0;         ///< the sum of their roofs
  double memory_us = 0;  ///< of those that memory bounds

  void add(const Operation& operation, const emulator::Device& gpu);
  std::int64_t bytes() const { return bytes_read + bytes_written; }
};

}  // namespace tern::account
