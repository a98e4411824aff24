// What all findings of a launch need. For findings.cpp and sector_findings.cpp alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/common/emulator/profile/findings.h"

namespace tern::emulator {

/// A line's part below which it is not worth a word.
inline constexpr double kLeastShare = 0.01;

inline double number(std::int64_t count) {
  return static_cast<double>(count);
}

struct FindingCase {
  const LaunchProfile& launch;
  const Work& work;
  const Device& device;
  Prediction now;

  /// What Prediction::work_us falls by.
  double gain(const std::function<void(Work&)>& mend) const;
  std::string largest() const { return now.fits() ? now.bounds[now.largest_work].name : ""; }
};

/// "4.0 suffice", "1.0 suffices"
std::string ideal_text(double ideal);
/// "load", "store" or "update"
std::string verb(Access access);
Finding at_line(const std::string& kind, const LineCounts& line, const std::string& text, double gain);

/// Requests to global memory with more sectors than their bytes need: where, of which array, and why.
void find_sectors(const FindingCase& of, const std::vector<LineCounts>& lines, std::vector<Finding>& found);

}  // namespace tern::emulator
