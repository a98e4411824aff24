#include "kernels/common/emulator/profile/report.h"

#include <fmt/format.h>

#include "kernels/common/emulator/profile/source_lines.h"

namespace tern::emulator {

std::string text_report(const std::vector<LaunchProfile>& launches, const ReportOptions&) {
  std::string text;
  for (const LaunchProfile& launch : launches) {
    const std::string known = short_function_name(function_name(launch.kernel.function));
    text += fmt::format("{}: {} sectors read, {} written\n",
                        launch.kernel.name != nullptr ? launch.kernel.name : known, launch.sectors_read,
                        launch.sectors_written);
  }
  return text;
}

std::string html_report(const std::vector<LaunchProfile>& launches, const ReportOptions& options,
                        const std::string& title) {
  std::string escaped;
  for (const char c : title + "\n" + text_report(launches, options))
    escaped += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return "<!doctype html><meta charset=utf-8><pre>" + escaped + "</pre>\n";
}

}  // namespace tern::emulator
