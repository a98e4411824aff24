// What a profile says, for a reader: which kernel takes how long on which device and why, the lines that cost most, and what
// would mend them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

struct ReportOptions {
  std::string device = "H100";                ///< a name of devices.h
  std::map<std::string, int> registers = {};  ///< of a thread, by kernel as the report names it
  int default_registers = 32;                 ///< of kernels that are not in `registers`
  bool default_is_known = false;              ///< not an assumption
};

/// For a terminal.
std::string text_report(const std::vector<LaunchProfile>& launches, const ReportOptions& options);

/// For programs: {"device", "kernels": [{"kernel", "launches", counts of the first launch, "predicted_us", "bound",
/// "bounds_us": {name: microseconds}, "metrics": {ncu's name: value}, "findings": [{"file", "line", "text"}]}]}, those that take
/// longest first. "range": the program's calls of cudaProfilerStart before the launch. A launch that has a trace adds
/// "trace": {"is_cut", "steps", "stretches"}, with
///   a step of the warp: {"what", "file", "line", "lanes" (a bit each), "bytes", "offsets", "labels"}: of each lane, its address
///     from a multiple of 128 bytes below all of them, and as text; null and "" for lanes that took no part; both only with bytes > 0
///   a stretch of the block: {"barrier" that ends it ("" at the block's end), "file", "line", "warps": [{"lanes", "global", "shared"}]}
std::string json_report(const std::vector<LaunchProfile>& launches, const ReportOptions& options);

/// One page of HTML that needs nothing else.
std::string html_report(const std::vector<LaunchProfile>& launches, const ReportOptions& options,
                        const std::string& title);

}  // namespace tern::emulator
