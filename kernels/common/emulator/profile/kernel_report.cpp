#include "kernels/common/emulator/profile/kernel_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "kernels/common/emulator/counted.h"

namespace tern::emulator {
namespace {

bool is_same(const dim3& a, const dim3& b) {
  return a.x == b.x && a.y == b.y && a.z == b.z;
}

/// What differs between launches of the same grid.
std::vector<double*> parts_of(Work& work) {
  std::vector<double*> parts{&work.dram_sectors,  &work.l2_sectors,  &work.l1_lines,
                             &work.shared_passes, &work.load_misses, &work.l2_reads,
                             &work.dram_reads,    &work.load_rounds, &work.hottest_atomics};
  for (double& operations : work.tensor_operations) parts.push_back(&operations);
  return parts;
}

void add_work(Work& sum, Work work) {
  const std::vector<double*> to = parts_of(sum), from = parts_of(work);
  for (std::size_t i = 0; i < to.size(); ++i) *to[i] += *from[i];
}

void divide_work(Work& work, double by) {
  for (double* part : parts_of(work)) *part /= by;
}

std::string number_text(double value, const char* unit) {
  return fmt::format("{:.{}f} {}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0, unit);
}

}  // namespace

std::string kernel_name(const KernelId& kernel) {
  if (kernel.name != nullptr) return kernel.name;
  const std::string name = short_function_name(function_name(kernel.function));
  if (!name.empty()) return name;
  return kernel.function == nullptr ? "kernel" : fmt::format("kernel at {}", kernel.function);
}

std::string occupancy_text(const KernelReport& report) {
  const Occupancy& occupancy = report.prediction.occupancy;
  return fmt::format("Occupancy {:.0f} %: {} a multiprocessor{}, with {} a thread{}", occupancy.warps_percent,
                     counted(occupancy.blocks, "block"),
                     occupancy.warps_percent > 99 ? "" : ", limited by " + occupancy.limited_by,
                     counted(report.registers, "register"), report.are_registers_known ? "" : " (assumed)");
}

std::string gain_text(const KernelReport& report, const Finding& finding) {
  const double us = report.prediction.work_us;
  const double share = us > 0 ? 100 * finding.gain_us / us : 0;
  if (share >= 0.5) return fmt::format("{:.0f} % less time", share);
  return report.prediction.fits()
             ? "hidden behind " + report.prediction.bounds[report.prediction.largest_work].name
             : "not predicted";
}

std::string extents_text(dim3 extents) {
  std::string text = fmt::format("{}", extents.x);
  if (extents.y > 1 || extents.z > 1) text += fmt::format(" x {}", extents.y);
  if (extents.z > 1) text += fmt::format(" x {}", extents.z);
  return text;
}

std::string shape_text(const LaunchProfile& launch) {
  const auto extents = [](dim3 all, const char* what) {
    const bool is_one = all.x == 1 && all.y == 1 && all.z == 1;
    return fmt::format("{} {}{}", extents_text(all), what, is_one ? "" : "s");
  };
  const std::string sample =
      launch.blocks_run == launch.blocks() ? "" : fmt::format(" (of which {} were run)", launch.blocks_run);
  return fmt::format("{}{} of {}, {} of shared memory", extents(launch.grid, "block"), sample,
                     extents(launch.block, "thread"), bytes_text(static_cast<double>(launch.shared_bytes)));
}

std::string time_text(double us) {
  if (us < 1) return number_text(us * 1e3, "ns");
  if (us < 1e3) return number_text(us, "us");
  return us < 1e6 ? number_text(us * 1e-3, "ms") : number_text(us * 1e-6, "s");
}

std::string bytes_text(double bytes) {
  if (bytes < 1e3) return counted(bytes, "byte");
  if (bytes < 1e6) return number_text(bytes * 1e-3, "kB");
  return bytes < 1e9 ? number_text(bytes * 1e-6, "MB") : number_text(bytes * 1e-9, "GB");
}

std::vector<KernelReport> kernel_reports(const std::vector<LaunchProfile>& launches,
                                         const ReportOptions& options) {
  const Device& gpu = device(options.device);
  std::vector<KernelReport> reports;
  for (const LaunchProfile& launch : launches) {
    const std::string name = kernel_name(launch.kernel);
    auto found = std::find_if(reports.begin(), reports.end(), [&](const KernelReport& one) {
      return one.name == name && one.first.range == launch.range && is_same(one.first.grid, launch.grid) &&
             is_same(one.first.block, launch.block) && one.first.shared_bytes == launch.shared_bytes;
    });
    if (found == reports.end()) {
      KernelReport& added = reports.emplace_back();
      const auto known = options.registers.find(name);
      const bool is_known = known != options.registers.end();
      added.are_registers_known = is_known || options.default_is_known;
      added.registers = is_known ? known->second : options.default_registers;
      added.name = name;
      added.first = launch;
      added.work = work_of(launch, added.registers);
      found = reports.end() - 1;
    } else {
      add_work(found->work, work_of(launch, found->registers));
      if (found->first.trace.empty() && !launch.trace.empty()) found->first = launch;
    }
    ++found->launches;
  }
  for (KernelReport& report : reports) {
    divide_work(report.work, report.launches);
    report.prediction = predict(report.work, gpu);
    report.lines = line_counts(report.first);
    report.metrics = metrics(report.first, report.lines, report.prediction.occupancy);
    report.findings = findings(report.first, report.lines, report.work, gpu);
  }
  std::stable_sort(reports.begin(), reports.end(),
                   [](const KernelReport& a, const KernelReport& b) { return a.total_us() > b.total_us(); });
  return reports;
}

}  // namespace tern::emulator
