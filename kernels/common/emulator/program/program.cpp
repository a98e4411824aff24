#include "kernels/common/emulator/program/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "engine/core/check.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/program/device_memory.h"
#include "kernels/common/emulator/program/faults.h"

namespace tern::emulator::program {
namespace {

Profile* profile = nullptr;
std::vector<LaunchProfile>* kept = nullptr;  ///< the heap's, so that they outlive static objects

bool same_extents(dim3 a, dim3 b) {
  return a.x == b.x && a.y == b.y && a.z == b.z;
}

bool same_shape(const LaunchProfile& a, const LaunchProfile& b) {
  return a.kernel.function == b.kernel.function && a.kernel.name == b.kernel.name && same_extents(a.grid, b.grid) &&
         same_extents(a.block, b.block) && a.shared_bytes == b.shared_bytes;
}

void write_file(const std::string& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) report_note("cannot write " + file);
}

/// Before main, so that a program without a launch is watched, too.
[[maybe_unused]] const bool prepared = (prepare_program(), true);

}  // namespace

const Options& options() {
  static const Options* const read = [] {
    const char* const file = std::getenv(kOptionsVariable);
    return new Options(file == nullptr ? Options() : Options::read(file));
  }();
  return *read;
}

void prepare_program() {
  static bool is_done = false;
  if (std::exchange(is_done, true)) return;
  watch_process();
  set_global_checks({.bounds = true, .races = true, .unwritten = true});
  set_order_seed(options().seed);
  set_patience(std::chrono::seconds(options().thread_seconds), std::chrono::seconds(options().launch_seconds));
  set_launch_guard([] { DeviceMemory::instance().open(); }, [] { DeviceMemory::instance().close(); });
  if (!options().profile) return;
  profile = new Profile;
  kept = new std::vector<LaunchProfile>;
}

void keep_profile() {
  if (profile == nullptr) return;
  for (const LaunchProfile& launch : profile->launches()) kept->push_back(launch);
  profile->clear();
}

void finish_program() {
  if (profile == nullptr) return;
  profile = nullptr;
  const Options& of = options();
  try {
    if (!of.report.empty()) write_file(of.report, text_report(*kept, of.report_options));
    if (!of.html.empty()) write_file(of.html, html_report(*kept, of.report_options, of.title));
  } catch (const std::exception& error) {
    report_fault(error.what());
  }
}

}  // namespace tern::emulator::program
