// What would make a kernel faster, in words for somebody who writes their first ones.
#pragma once

#include <string>
#include <vector>

#include "kernels/common/emulator/profile/line_counts.h"
#include "kernels/common/emulator/profile/prediction.h"

namespace tern::emulator {

struct Finding {
  std::string
      kind;  ///< "sectors", "structs", "alignment", "banks", "lanes", "atomics", "blocks", "warps", "reuse", "occupancy",
  ///< "latency", "barriers"
  std::string file;
  int line = 0;  ///< 0: of the whole kernel
  std::string text;
  double gain_us = 0;  ///< what Prediction::work_us falls by if it is mended
};

/// "softmax.cu:14", "instruction 2" without debug information, "" if it is of the whole kernel.
std::string place_text(const Finding& finding);

/// The most useful first; none if there is nothing to mend.
std::vector<Finding> findings(const LaunchProfile& launch, const std::vector<LineCounts>& lines,
                              const Work& work, const Device& device);

}  // namespace tern::emulator
