// tern-profile FILE.cu: translate, compile, run, report.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <sstream>

#include "apps/common/option_checks.h"
#include "apps/profile/compile.h"
#include "apps/profile/registers.h"
#include "engine/core/check.h"
#include "kernels/common/emulator/profile/block_sample.h"
#include "kernels/common/emulator/profile/devices.h"
#include "kernels/common/emulator/program/options.h"
#include "kernels/common/emulator/program/translate.h"

namespace tern::profile {
namespace {

struct Command {
  std::filesystem::path source;
  std::vector<std::string> arguments;  ///< of the program
  std::string device = "H100", compiler = "g++", html, json;
  std::vector<std::string> includes, definitions;
  std::string optimization;
  int registers = 0;  ///< 0: as nvcc has them, or a default
  bool check = false, keep = false, quiet = false;
  bool from_start = true;
  std::int64_t sample = 0;
  std::vector<unsigned> trace;  ///< block and warp
  std::uint64_t seed = 0;
  int patience = 5;
};

/// Removed at the end, unless it is to be kept.
class WorkFolder {
 public:
  explicit WorkFolder(bool keep) : keep_(keep) {
    std::string name = (std::filesystem::temp_directory_path() / "tern-profile-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Error(name, "a new folder", "none");
    path_ = name;
  }
  ~WorkFolder() {
    std::error_code ignored;
    if (!keep_) std::filesystem::remove_all(path_, ignored);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  bool keep_;
};

std::vector<std::string> compiler_options(const Command& command) {
  std::vector<std::string> options;
  for (const std::string& folder : command.includes) options.push_back("-I" + folder);
  for (const std::string& definition : command.definitions) options.push_back("-D" + definition);
  if (!command.optimization.empty()) options.push_back("-O" + command.optimization);
  return options;
}

void print_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  std::fputs(text.str().c_str(), stdout);
}

/// Its exit code.
int run_program(const std::filesystem::path& program, const Command& command) {
  std::vector<std::string> words{program.string()};
  words.insert(words.end(), command.arguments.begin(), command.arguments.end());
  Child child(words, "");
  const int code = child.wait();
  if (child.signal() == 0) return code;
  std::fprintf(stderr, "tern: the program was ended by signal %d (%s)\n", child.signal(),
               strsignal(child.signal()));
  return 1;
}

/// Of what is no text compilers print a line for each byte.
void check_source(const std::filesystem::path& source) {
  if (!std::filesystem::is_regular_file(source)) {
    throw Error(source.string(), "a CUDA source",
                std::filesystem::is_directory(source) ? "a folder" : "no file");
  }
  std::ifstream in(source, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.find('\0') != text.npos) throw Error(source.string(), "a CUDA source", "a file that is no text");
}

int run(const Command& command) {
  emulator::device(command.device);  // known, or an error before anything is compiled
  check_source(command.source);
  const Toolkit toolkit = Toolkit::find();
  const WorkFolder work(command.keep);
  const std::filesystem::path& folder = work.path();
  const std::vector<std::string> options = compiler_options(command);
  std::optional<RegisterCount> nvcc;
  if (!command.check && command.registers == 0 && is_program("nvcc"))
    nvcc.emplace(command.source, "sm_90", options, folder);

  emulator::Translator translator(folder, {command.includes.begin(), command.includes.end()});
  const std::filesystem::path program = folder / command.source.stem();
  compile_program(toolkit, translator.translate_file(command.source),
                  {command.source.filename().string(), command.compiler, options}, folder, program);

  emulator::program::Options told;
  told.profile = !command.check;
  told.from_start = command.from_start;
  told.sample_blocks = command.sample;
  told.report = (folder / "report.txt").string();
  told.html = command.html;
  told.json = command.json;
  told.trace = !command.trace.empty();
  if (told.trace) told.trace_block = command.trace[0], told.trace_warp = command.trace[1];
  told.title = command.source.filename().string();
  told.seed = command.seed;
  told.thread_seconds = command.patience;
  told.launch_seconds = 4 * command.patience;
  told.report_options.device = command.device;
  if (command.registers > 0) {
    told.report_options.default_registers = command.registers;
    told.report_options.default_is_known = true;
  }
  if (nvcc) told.report_options.registers = nvcc->wait();
  std::ofstream(folder / "options.txt") << told.text();
  setenv(emulator::program::kOptionsVariable, (folder / "options.txt").c_str(), 1);

  const int code = run_program(program, command);
  if (!command.quiet) print_file(told.report);
  if (!command.html.empty() && std::filesystem::exists(command.html))
    std::printf("Page: %s\n", command.html.c_str());
  if (command.keep) std::printf("Kept: %s\n", folder.c_str());
  return code;
}

void add_options(CLI::App& app, Command& command) {
  app.add_option("FILE", command.source, "A CUDA program: a source with kernels and a main")->required();
  app.add_option("--device", command.device, "GPU whose times are predicted")->capture_default_str();
  CLI::Option* const html = app.add_option("--html", command.html, "Write the report as a page, too");
  CLI::Option* const json = app.add_option("--json", command.json, "Write the report for programs, too");
  CLI::Option* const trace =
      app.add_option(
             "--trace", command.trace,
             "A block and a warp of it, as 0,0: what it did in each kernel's first launch, step by step")
          ->delimiter(',')
          ->expected(2);
  app.add_option("--registers", command.registers,
                 "Registers of a thread (else nvcc is asked, where there is one)")
      ->check(whole_in(1, 255));
  CLI::Option* const sample = app.add_option("--sample", command.sample,
                                             "Of profiled launches with more blocks run so many, and scale "
                                             "their counts: results are incomplete")
                                  ->check(whole_in(2, emulator::kMostSampled));
  app.add_option("--profile-from-start", command.from_start,
                 "off: profile launches between cudaProfilerStart and cudaProfilerStop alone")
      ->transform(CLI::CheckedTransformer(std::map<std::string, bool>{{"on", true}, {"off", false}}))
      ->option_text("on|off");
  app.add_flag("--check,--no-profile", command.check, "Find faults alone, count nothing: without a report")
      ->excludes(html)
      ->excludes(json)
      ->excludes(trace)
      ->excludes(sample);
  app.add_option("--seed", command.seed,
                 "Blocks and threads take turns in an order drawn from this; 0: in order");
  app.add_option("--patience", command.patience,
                 "Seconds a thread may run without giving way; a launch, 4 times as long")
      ->capture_default_str()
      ->check(whole_in(1, 100000));
  app.add_flag("--quiet", command.quiet, "Print no report: for --html and --json");
  app.add_flag("--keep", command.keep, "Keep the translated source and the program");
  app.add_option("--cxx", command.compiler, "The compiler, g++ or clang++ (16 or newer)")
      ->capture_default_str();
  app.add_option("-I", command.includes, "A folder of headers")->allow_extra_args(false);
  app.add_option("-D", command.definitions, "A macro")->allow_extra_args(false);
  app.add_option("-O", command.optimization, "The compiler's optimization, 2 unless said");
}

}  // namespace
}  // namespace tern::profile

int main(int argc, char** argv) {
  using namespace tern::profile;
  Command command;
  CLI::App app(
      "Profiles and checks a CUDA program without a GPU: tern-profile FILE.cu [options] [-- arguments]",
      "tern-profile");
  add_options(app, command);
  std::vector<std::string> words;  // CLI11 takes them from the last on
  int own = 1;
  while (own < argc && std::string(argv[own]) != "--") ++own;
  for (int i = own + 1; i < argc; ++i) command.arguments.emplace_back(argv[i]);
  for (int i = own - 1; i > 0; --i) words.emplace_back(argv[i]);
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;  // CLI11 has a number for each kind of wrong usage
  }
  try {
    return run(command);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tern-profile: %s\n", error.what());
    return 1;
  }
}
