#include "apps/profile/compile.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "apps/profile/messages.h"
#include "apps/profile/process.h"
#include "engine/core/check.h"

namespace tern::profile {
namespace {

constexpr const char* kFile = "tern-profile.conf";
constexpr int kOldestClang = 16;

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> words_of(std::istringstream& line) {
  std::vector<std::string> words;
  for (std::string word; line >> word;) words.push_back(word);
  return words;
}

Toolkit read_toolkit(const std::filesystem::path& file) {
  Toolkit toolkit;
  std::istringstream lines(read_text(file));
  for (std::string text; std::getline(lines, text);) {
    std::istringstream line(text);
    std::string key, rest;
    line >> key >> std::ws;
    if (key == "include" || key == "library") {  // from the file's own folder
      std::getline(line, rest);
      (key == "include" ? toolkit.include : toolkit.library) = file.parent_path() / rest;
    }
    if (key == "gnu") toolkit.gnu_options = words_of(line);
    if (key == "clang") toolkit.clang_options = words_of(line);
    if (key == "link") toolkit.link_options = words_of(line);
  }
  return toolkit;
}

/// Runs a compiler, prints what it says; false if it fails.
bool compile(const std::vector<std::string>& command, const std::string& source,
             const std::filesystem::path& messages) {
  const int code = Child(command, messages.string()).wait();
  const std::string text = without_noise(read_text(messages));
  if (text.find("undefined reference to `main'") != text.npos ||
      text.find("undefined symbol: main") != text.npos)
    throw Error(source, "a program with a main function", "a source without one");
  if (const Refused what = refused(text); !what.place.empty())
    throw Error(what.place, "CUDA C++ and its runtime API", what.got);
  std::fputs(text.c_str(), stderr);
  if (code != 0) {
    for (const std::string& part : parts_not_emulated(text))
      std::fprintf(stderr, "tern-profile: %s\n", part.c_str());
  }
  if (text.find("undefined reference to") != text.npos || text.find("undefined symbol:") != text.npos)
    std::fprintf(stderr, "tern-profile: one source is compiled: include in it what is defined in others\n");
  return code == 0;
}

bool is_clang(const std::string& compiler, const std::filesystem::path& folder) {
  const std::filesystem::path version = folder / "version.txt";
  Child({compiler, "--version"}, version.string()).wait();
  const std::string text = read_text(version), mark = "clang version ";
  const std::size_t at = text.find(mark);
  if (at == text.npos) return false;
  const int major = std::atoi(text.c_str() + at + mark.size());
  if (major < kOldestClang)  // without std::source_location
    throw Error("--cxx", fmt::format("Clang {} or newer", kOldestClang),
                fmt::format("{}, Clang {}", compiler, major));
  return true;
}

}  // namespace

Toolkit Toolkit::find() {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const std::filesystem::path& folder : {program, program / ".." / "lib" / "tern-profile"}) {
    if (std::filesystem::exists(folder / kFile)) return read_toolkit(folder / kFile);
  }
  throw Error("tern-profile", fmt::format("{} beside it or in ../lib/tern-profile", kFile), "none");
}

void compile_program(const Toolkit& toolkit, const std::filesystem::path& source,
                     const CompileOptions& options, const std::filesystem::path& folder,
                     const std::filesystem::path& program) {
  if (!is_program(options.compiler))
    throw Error("--cxx", "a C++ compiler, g++ or clang++", options.compiler + ", which is no program");
  const std::filesystem::path object = folder / "program.o", messages = folder / "compiler.txt";
  std::vector<std::string> command{options.compiler, "-x", "c++", "-std=gnu++20"};
  const auto add = [&command](const std::vector<std::string>& more) {
    command.insert(command.end(), more.begin(), more.end());
  };
  const bool clang = is_clang(options.compiler, folder);
  add(clang ? toolkit.clang_options : toolkit.gnu_options);
  // -O2: near to what a GPU's compiler leaves of loads and stores. A caret would point into the translated line.
  add({"-O2", "-g1", clang ? "-fno-caret-diagnostics" : "-fno-diagnostics-show-caret"});
  // As nvcc says by default: a variable read before it was set, a statement without effect. A variable that was not set
  // holds no zero by chance: of a float -1.7e38, or NaN.
  add({"-Wuninitialized", "-Wparentheses", "-Wempty-body", "-Wunused-value",
       clang ? "-Wsometimes-uninitialized" : "-Wmaybe-uninitialized", "-ftrivial-auto-var-init=pattern"});
  add(options.options);
  const std::string stand_ins = (toolkit.include / "kernels/common/emulator/program/include").string();
  add({"-isystem", stand_ins, "-isystem", toolkit.include.string(), "-include",
       stand_ins + "/cuda_runtime.h"});
  add({"-c", source.string(), "-o", object.string()});
  if (!compile(command, options.name, messages))
    throw Error(options.compiler, "a program that compiles", "the errors above");
  command = {options.compiler, object.string(), toolkit.library.string()};
  add(toolkit.link_options);
  add({"-o", program.string()});
  if (!compile(command, options.name, messages))
    throw Error(options.compiler, "a program that links", "the errors above");
}

}  // namespace tern::profile
