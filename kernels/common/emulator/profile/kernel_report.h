// What reports say of a kernel, before it is text or a page.
#pragma once

#include <string>
#include <vector>

#include "kernels/common/emulator/profile/findings.h"
#include "kernels/common/emulator/profile/line_counts.h"
#include "kernels/common/emulator/profile/metrics.h"
#include "kernels/common/emulator/profile/prediction.h"
#include "kernels/common/emulator/profile/report.h"

namespace tern::emulator {

/// Launches of one kernel with the same grid, block and shared memory, in one range of the program's.
struct KernelReport {
  std::string name;
  int launches = 0;
  int registers = 0;
  bool are_registers_known = false;
  LaunchProfile first;  ///< the first of them, or the first that has a trace
  Work work;            ///< of an average launch
  Prediction prediction;
  std::vector<Metric> metrics;  ///< of the first
  std::vector<LineCounts> lines;
  std::vector<Finding> findings;

  double total_us() const { return launches * prediction.us; }
};

/// Those that take longest first. Throws Error for a device or registers that do not exist.
std::vector<KernelReport> kernel_reports(const std::vector<LaunchProfile>& launches,
                                         const ReportOptions& options);

/// "Occupancy 75 %: 6 blocks a multiprocessor, limited by registers, with 40 registers a thread (assumed)"
std::string occupancy_text(const KernelReport& report);
/// "128 x 128 blocks of 32 x 8 threads, 4.22 kB of shared memory"; of a sample "128 x 128 blocks (of which 16 were run) of ..."
std::string shape_text(const LaunchProfile& launch);
/// "41 % less time", of the prediction without the launch's cost.
std::string gain_text(const KernelReport& report, const Finding& finding);
/// "softmax_kernel<float>"; without symbols "kernel at 0x...", or "kernel" if nothing is known.
std::string kernel_name(const KernelId& kernel);
/// "4 x 2 x 1", without ones at the end.
std::string extents_text(dim3 extents);
/// "12.3 us", with three digits, in ns, us, ms or s.
std::string time_text(double us);
/// "12.3 MB"
std::string bytes_text(double bytes);

}  // namespace tern::emulator
