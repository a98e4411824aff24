#include "kernels/common/emulator/profile/report.h"

namespace tern::emulator {
std::string html_report(const std::vector<LaunchProfile>& launches, const ReportOptions& options,
                        const std::string& title) {
  return title + text_report(launches, options);
}
}
