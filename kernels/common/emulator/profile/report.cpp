#include "kernels/common/emulator/profile/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/profile/kernel_report.h"
#include "kernels/common/emulator/profile/trace.h"

namespace tern::emulator {
namespace {

constexpr std::size_t kMostFindings = 5, kMostLines = 8, kWidth = 110, kBar = 24;

/// Words on lines of at most kWidth bytes, the second and later ones further in.
std::string wrapped(const std::string& text, const std::string& first, const std::string& others) {
  std::string out = first;
  std::size_t column = first.size();
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (at > 0 && column + 1 + word.size() > kWidth) {
      out += '\n' + others;
      column = others.size();
    } else if (at > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    at = end + 1;
  }
  return out + '\n';
}

std::string heading(const KernelReport& report, const ReportOptions& options) {
  const Device& gpu = device(options.device);
  std::string text = fmt::format("{}: {}{}\n", report.name, shape_text(report.first),
                                 report.launches == 1 ? "" : fmt::format(", {} launches", report.launches));
  const Prediction& prediction = report.prediction;
  if (!prediction.fits()) {
    return text + fmt::format("  A block does not fit on a multiprocessor of {}: {} (with {} a thread).\n",
                              gpu.name, prediction.occupancy.limited_by,
                              counted(report.registers, "register"));
  }
  const Bound& bound = prediction.bounds[prediction.largest];
  text += fmt::format("  At least {} {}on {} ({}), by its {}: {}.\n", time_text(prediction.us),
                      report.launches == 1 ? "" : "each ", gpu.name, gpu.about, bound.name, bound.why);
  if (prediction.largest != prediction.largest_work && prediction.work_us > 0) {
    const Bound& work = prediction.bounds[prediction.largest_work];
    text += fmt::format("  Its work alone: {}, by its {}: {}.\n", time_text(work.us), work.name, work.why);
  }
  return text + "  " + occupancy_text(report) + ".\n";
}

std::string bars(const Prediction& prediction) {
  std::string text;
  for (const Bound& bound : prediction.bounds) {
    const double share = prediction.us > 0 ? bound.us / prediction.us : 0;
    text += fmt::format("    {:<14} {:>9}  {}\n", bound.name, time_text(bound.us),
                        std::string(static_cast<std::size_t>(share * kBar + 0.5), '#'));
  }
  return text;
}

/// Why the time may be longer than even the largest bound says.
std::string left_out_text(const Prediction& prediction) {
  std::string names;
  for (const LeftOut& one : prediction.left_out)
    names += fmt::format("{}{} ({})", names.empty() ? "" : ", ", one.name, one.why);
  return names.empty() ? "" : wrapped(names + ".", "  Bounds left out: ", "    ");
}

std::string findings_text(const KernelReport& report) {
  if (report.findings.empty()) return "  Nothing to mend in how it touches memory.\n";
  std::string text = "  What would make it faster:\n";
  std::size_t number = 0;
  for (const Finding& finding : report.findings) {
    if (++number > kMostFindings) break;
    const std::string where = finding.line == 0 ? "" : place_text(finding) + ": ";
    const std::string gain = " [" + gain_text(report, finding) + "]";
    text += wrapped(where + finding.text + gain, fmt::format("   {}. ", number), "      ");
  }
  if (report.findings.size() > kMostFindings)
    text += fmt::format("   and {} more\n", report.findings.size() - kMostFindings);
  return text;
}

std::string access_text(const LineAccess& access) {
  const AccessCounts& counts = access.counts;
  const auto each = [&](std::int64_t count) {
    return static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(counts.requests, 1));
  };
  const std::string what = access.access == Access::read    ? "load"
                           : access.access == Access::write ? "store"
                                                            : "atomic";
  if (access.space == Space::shared) {
    return fmt::format("{}, {:.1f} passes ({:.1f})", counted(counts.requests, "shared " + what),
                       each(counts.wavefronts), each(counts.ideal_wavefronts));
  }
  return fmt::format("{}, {:.1f} sectors ({:.1f})", counted(counts.requests, what), each(counts.sectors),
                     each(counts.ideal_sectors));
}

std::string lines_text(const KernelReport& report, SourceText& source) {
  std::int64_t all = 0;
  for (const LineCounts& line : report.lines) all += line.cost();
  std::string text =
      "  Lines by the time that L1 and shared memory need for them (a request's ideal in brackets):\n";
  std::size_t shown = 0;
  for (const LineCounts& line : report.lines) {
    if (++shown > kMostLines) break;
    std::string what;
    for (const LineAccess& access : line.accesses) what += (what.empty() ? "" : "; ") + access_text(access);
    text += fmt::format(
        "  {:3.0f} %  {}  {}\n",
        100 * static_cast<double>(line.cost()) / static_cast<double>(std::max<std::int64_t>(all, 1)),
        place_text(line), what);
    std::string code = source.line(line.file, line.line);
    code.erase(0, code.find_first_not_of(" \t"));
    if (!code.empty()) text += fmt::format("           {}\n", code.substr(0, kWidth - 11));
  }
  if (report.lines.size() > kMostLines)
    text += fmt::format("         and {} more\n", report.lines.size() - kMostLines);
  return text;
}

std::string metrics_text(const KernelReport& report) {
  std::string text = "  As Nsight Compute calls it:\n";
  for (const Metric& metric : report.metrics) {
    const bool is_ratio =
        metric.ncu.find(".ratio") != std::string::npos || metric.ncu.find("pct") != std::string::npos;
    const bool is_count = metric.ncu.find("bank_conflicts") != std::string::npos ||
                          metric.ncu.find("tensor") != std::string::npos || metric.ncu.find("dram") == 0;
    if (!is_ratio && !is_count) continue;
    text += fmt::format("    {:>12.{}f}  {}{}\n", metric.value, is_ratio ? 2 : 0, metric.ncu,
                        metric.beside.empty() ? "" : " (" + metric.beside + ")");
  }
  return text;
}

}  // namespace

std::string text_report(const std::vector<LaunchProfile>& launches, const ReportOptions& options) {
  if (launches.empty()) return "Nothing to report: no launch has come to its end.\n";
  SourceText source;
  std::string text;
  const auto is_sample = [](const LaunchProfile& launch) { return launch.blocks_run < launch.blocks(); };
  if (std::any_of(launches.begin(), launches.end(), is_sample)) {
    text =
        "Of large launches a few blocks were run, and counts scaled to all: what the program computed is\n"
        "incomplete, and what it printed or returned about that means nothing.\n\n";
  }
  for (const KernelReport& report : kernel_reports(launches, options)) {
    text += heading(report, options) + bars(report.prediction) + left_out_text(report.prediction) +
            findings_text(report) + lines_text(report, source) + metrics_text(report) + '\n';
    if (!report.first.trace.empty()) text += "  Warp by steps:\n" + trace_text(report.first) + '\n';
  }
  return text +
         "Times are lower bounds: memory and tensor cores are counted, not other arithmetic, and no GPU has "
         "confirmed them yet. Counts\nof memory are of the source as it is written; nvcc may keep more in "
         "registers.\n";
}

}  // namespace tern::emulator
