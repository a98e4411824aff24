#include "kernels/common/emulator/program/program.h"

#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/block_box.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/profile/devices.h"
#include "kernels/common/emulator/profile/source_lines.h"
#include "kernels/common/emulator/program/device_memory.h"
#include "kernels/common/emulator/program/faults.h"
#include "kernels/common/emulator/program/runtime_api.h"

namespace tern::emulator::program {
namespace {

constexpr std::int64_t kMostProfiled = 4;  ///< launches of a shape: counting takes time

bool profiling = false;
bool is_started = true;
int ranges = 0;  ///< begun by cudaProfilerStart
Profile* profile = nullptr;
bool is_in_program_launch = false;  ///< of <<<...>>>, not of the launch() that kernels of this project have
std::vector<LaunchProfile>* kept = nullptr;  ///< the heap's, so that they outlive static objects

/// Launches of one kernel, grid and block.
struct Shape {
  LaunchPlace first;
  std::int64_t launches = 0;
};
std::vector<Shape>* shapes = nullptr;

bool same_extents(dim3 a, dim3 b) {
  return a.x == b.x && a.y == b.y && a.z == b.z;
}

Shape& shape_of(const LaunchPlace& place) {
  for (Shape& shape : *shapes) {
    const LaunchPlace& other = shape.first;
    if (other.function == place.function && std::string_view(other.kernel.text) == place.kernel.text &&
        other.shared_bytes == place.shared_bytes && same_extents(other.grid, place.grid) &&
        same_extents(other.block, place.block))
      return shape;
  }
  return shapes->emplace_back(Shape{place});
}

/// Launches that are not in the report, as a text.
std::string left_out() {
  std::string text;
  for (const Shape& shape : *shapes) {
    if (shape.launches <= kMostProfiled) continue;
    text += fmt::format("{} ({}): {} launches of this grid and block, of which the first {} are counted\n",
                        shape.first.kernel.text, text_of(shape.first.where), shape.launches, kMostProfiled);
  }
  return text;
}

/// Registers by the names that reports have for kernels; of a template whose arguments were deduced, the most.
ReportOptions report_options() {
  ReportOptions of = options().report_options;
  of.registers.clear();
  for (const auto& [demangled, registers] : options().report_options.registers) {
    const std::string name = short_function_name(demangled);
    of.registers[name] = registers;
    int& of_template = of.registers[name.substr(0, name.find('<'))];
    of_template = std::max(of_template, registers);
  }
  return of;
}

void write_file(const std::string& file, const std::string& text) {
  errno = 0;
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) report_fault(fmt::format("cannot write {}: {}", file, std::strerror(errno)));
}

void keep_profile() {
  if (profile == nullptr) return;
  for (const LaunchProfile& launch : profile->launches()) kept->emplace_back(launch).range = ranges;
  delete std::exchange(profile, nullptr);
}

/// With the device's L2.
ProfileOptions profile_options() {
  return {.cache = {.bytes = device(options().report_options.device).l2_bytes},
          .sample_blocks = options().sample_blocks};
}

/// And what one warp did, step by step.
ProfileOptions traced_options(dim3 grid) {
  const Options& of = options();
  ProfileOptions chosen = profile_options();
  if (!of.trace && of.html.empty()) return chosen;
  const BlockBox run = blocks_to_run(grid, of.sample_blocks);  // the block is the n-th of those
  const dim3 of_run = run.extents;
  const unsigned block = of.trace_block;
  chosen.trace = {.launch = 0,
                  .block = {run.begin.x + block % of_run.x, run.begin.y + block / of_run.x % of_run.y,
                            run.begin.z + block / (of_run.x * of_run.y)},
                  .warp = of.trace_warp};
  return chosen;
}

/// A trace of what the launch does not have is asked for.
void note_missing_trace(const LaunchPlace& place) {
  const Options& of = options();
  if (!of.trace) return;
  const dim3 run = blocks_to_run(place.grid, of.sample_blocks).extents;
  const std::size_t blocks = std::size_t{run.x} * run.y * run.z;
  const std::size_t warps = (std::size_t{place.block.x} * place.block.y * place.block.z + 31) / 32;
  if (of.trace_block < blocks && of.trace_warp < warps) return;
  report_note(fmt::format("{}: --trace {},{}: this launch has {} of {}, counted from 0", text_of(place.where),
                          of.trace_block, of.trace_warp, counted(static_cast<std::int64_t>(blocks), "block"),
                          counted(static_cast<std::int64_t>(warps), "warp")));
}

/// For who has not asked for the trace that a page has in any case.
std::vector<LaunchProfile> without_traces(std::vector<LaunchProfile> launches) {
  for (LaunchProfile& launch : launches) launch.trace.clear(), launch.timeline.clear();
  return launches;
}

/// Of every launch, whoever began it.
void begin_any_launch() {
  DeviceMemory::instance().open();
  if (profiling && is_started && !is_in_program_launch) profile = new Profile(profile_options());
}

void end_any_launch() {
  DeviceMemory::instance().close();
  if (!is_in_program_launch) keep_profile();
}

/// Tables that cannot be written, which nvcc has in constants or in the code: the program's own, the first image.
int note_read_only(dl_phdr_info* image, std::size_t, void*) {
  for (unsigned i = 0; i < image->dlpi_phnum; ++i) {
    const auto& segment = image->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    note_constants(reinterpret_cast<const void*>(image->dlpi_addr + segment.p_vaddr), segment.p_memsz);
  }
  return 1;
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
  dl_iterate_phdr(note_read_only, nullptr);
  set_global_checks({.bounds = true,
                     .races = true,
                     .note = report_kernel_note,
                     .unwritten = true,
                     .unwritten_read = report_kernel_fault});
  set_order_seed(options().seed);
  set_patience(std::chrono::seconds(options().thread_seconds),
               std::chrono::seconds(options().launch_seconds));
  set_launch_guard(begin_any_launch, end_any_launch);
  profiling = options().profile;
  is_started = options().from_start;
  kept = new std::vector<LaunchProfile>;
  shapes = new std::vector<Shape>;
}

void begin_profile(const LaunchPlace& place) {
  is_in_program_launch = true;
  if (!profiling || !is_started) return;
  const std::int64_t number = ++shape_of(place).launches;
  if (number == 1) note_missing_trace(place);
  if (number <= kMostProfiled)
    profile = new Profile(number == 1 ? traced_options(place.grid) : profile_options());
}

void start_profiling(bool on) {
  prepare_program();
  is_started = on;
  if (on) ++ranges;
}

void end_profile() {
  keep_profile();
  is_in_program_launch = false;
}

void finish_program() {
  if (!std::exchange(profiling, false)) return;
  const Options& of = options();
  try {
    const auto told = of.trace ? *kept : without_traces(*kept);
    if (!of.report.empty()) write_file(of.report, text_report(told, report_options()) + left_out());
    if (!of.json.empty()) write_file(of.json, json_report(told, report_options()));
    if (!of.html.empty()) write_file(of.html, html_report(*kept, report_options(), of.title));
  } catch (const std::exception& error) {
    report_fault(error.what());
  }
}

}  // namespace tern::emulator::program
