#include "kernels/common/emulator/program/options.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "engine/core/check.h"

namespace tern::emulator::program {

std::string Options::text() const {
  std::string text = fmt::format(
      "profile {}\nfrom_start {}\nsample_blocks {}\nreport {}\nhtml {}\njson {}\ntitle {}\ndevice "
      "{}\ndefault_registers {}\nseed "
      "{}\nthread_seconds {}\n"
      "launch_seconds {}\n",
      profile ? 1 : 0, from_start ? 1 : 0, sample_blocks, report, html, json, title, report_options.device,
      report_options.default_registers, seed, thread_seconds, launch_seconds);
  if (report_options.default_is_known) text += "default_is_known 1\n";
  if (trace) text += fmt::format("trace {} {}\n", trace_block, trace_warp);
  for (const auto& [kernel, registers] : report_options.registers)
    text += fmt::format("registers {} {}\n", registers, kernel);
  return text;
}

Options Options::read(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw Error(file, "the options of tern-profile", "none");
  Options options;
  for (std::string line; std::getline(in, line);) {
    const std::size_t space = line.find(' ');
    if (space == line.npos) continue;
    const std::string key = line.substr(0, space), value = line.substr(space + 1);
    std::istringstream words(value);
    if (key == "profile") options.profile = value == "1";
    if (key == "from_start") options.from_start = value == "1";
    if (key == "sample_blocks") words >> options.sample_blocks;
    if (key == "report") options.report = value;
    if (key == "html") options.html = value;
    if (key == "json") options.json = value;
    if (key == "title") options.title = value;
    if (key == "device") options.report_options.device = value;
    if (key == "default_registers") words >> options.report_options.default_registers;
    if (key == "seed") words >> options.seed;
    if (key == "thread_seconds") words >> options.thread_seconds;
    if (key == "launch_seconds") words >> options.launch_seconds;
    if (key == "default_is_known") options.report_options.default_is_known = true;
    if (key == "trace") options.trace = bool(words >> options.trace_block >> options.trace_warp);
    if (key == "registers") {
      int registers = 0;
      std::string kernel;
      words >> registers >> std::ws;
      std::getline(words, kernel);
      options.report_options.registers[kernel] = registers;
    }
  }
  return options;
}

}  // namespace tern::emulator::program
