// What tern-profile tells a program that it runs: a file of lines "key value", named by TERN_PROGRAM_OPTIONS.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/common/emulator/profile/report.h"

namespace tern::emulator::program {

inline constexpr const char* kOptionsVariable = "TERN_PROGRAM_OPTIONS";

struct Options {
  bool profile = false;
  bool from_start = true;          ///< profile before the first cudaProfilerStart, too
  std::int64_t sample_blocks = 0;  ///< ProfileOptions::sample_blocks
  std::string report, html, json;  ///< files to write
  std::string title;
  ReportOptions report_options;
  bool trace = false;  ///< of this warp of this block of each kernel, in the report, too
  unsigned trace_block = 0, trace_warp = 0;
  std::uint64_t seed = 0;
  int thread_seconds = 5, launch_seconds = 20;

  std::string text() const;
  /// Throws Error for a file that cannot be read; lines that it does not know are passed over.
  static Options read(const std::string& file);
};

}  // namespace tern::emulator::program
