// GPUs as figures, for predictions (prediction.h). Each figure has its source in devices.cpp; what no source was found for is
// 0, and predictions leave out what needs it.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

struct Device {
  std::string name;          ///< "H100"
  std::string about;         ///< which one exactly
  std::string architecture;  ///< "sm_90" (occupancy.h)
  int multiprocessors = 0;
  double clock_ghz = 0;        ///< the highest; a GPU at its power limit runs slower
  double dram_gb_per_s = 0;    ///< by its data sheet; streaming kernels reach about nine tenths
  double dram_latency_ns = 0;  ///< of a load that misses every cache, on an idle GPU
  double l2_latency_ns = 0;    ///< of one that the near half of L2 has
  std::size_t l2_bytes = 0;    ///< all of it; H100's and A100's lie in two halves
  double l2_gb_per_s = 0;      ///< measured, of reads that hit
  double launch_us = 0;        ///< of a kernel among many, one after another in a stream
  int fp32_lanes = 0;          ///< of a multiprocessor
  /// By TensorPath: 10^12 multiplications and additions a second, of dense matrices; 0 for what its tensor cores do not take.
  std::array<double, kTensorPaths> tensor_tflops{};

  /// Multiply-adds in single precision count two.
  double fp32_tflops() const { return 2e-3 * fp32_lanes * multiprocessors * clock_ghz; }
};

/// T4, A100, RTX 4090, H100, H200, B200.
const std::vector<Device>& devices();
/// By name, whatever the case. Throws Error with the list if it is none of them.
const Device& device(const std::string& name);

}  // namespace tern::emulator
