// A launch's counts under the names that NVIDIA's profiler has for them, so that what is found here is looked for there.
#pragma once

#include <string>
#include <vector>

#include "kernels/common/emulator/profile/line_counts.h"
#include "kernels/common/emulator/profile/occupancy.h"
#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

struct Metric {
  std::string label;  ///< "sectors a load from global memory"
  std::string ncu;    ///< what `ncu --metrics` calls it; "" if nothing there is the same
  double value = 0;
  std::string good;  ///< what to wish for
  std::string beside =
      {};  ///< the same for beside the value, where it is a number of this launch; mostly empty
};

/// Those that the launch has something of. `lines`: its own.
std::vector<Metric> metrics(const LaunchProfile& launch, const std::vector<LineCounts>& lines,
                            const Occupancy& occupancy);

}  // namespace tern::emulator
