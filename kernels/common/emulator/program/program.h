// A translated program as a whole: what is set up before its main and written after it.
#pragma once

#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/emulator/program/launch.h"
#include "kernels/common/emulator/program/options.h"

namespace tern::emulator::program {

/// Read once, from the environment.
const Options& options();
/// Before the first launch or allocation: checks, order and patience as the options have them.
void prepare_program();
/// Around a launch, which is profiled unless profiling is stopped (runtime_api.h's start_profiling). Of many with one kernel, grid and block the first few are profiled.
void begin_profile(const LaunchPlace& place);
void end_profile();
/// Writes the reports. Once; later calls do nothing.
void finish_program();

}  // namespace tern::emulator::program
