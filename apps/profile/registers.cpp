#include "apps/profile/registers.h"

#include <cxxabi.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tern::profile {
namespace {

std::string demangled(const std::string& name) {
  int status = 0;
  char* const text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  const std::string plain = text == nullptr ? name : text;
  std::free(text);
  return plain;
}

}  // namespace

std::map<std::string, int> registers_in(const std::string& messages) {
  std::map<std::string, int> registers;
  std::string kernel;
  std::istringstream lines(messages);
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kEntry = "Compiling entry function '", kUsed = "Used ";
    if (const std::size_t at = line.find(kEntry); at != line.npos) {
      const std::size_t begin = at + kEntry.size();
      kernel = demangled(line.substr(begin, line.find('\'', begin) - begin));
    }
    const std::size_t used = line.find(kUsed);
    if (used == line.npos || kernel.empty() || line.find(" registers") == line.npos) continue;
    registers[kernel] = std::atoi(line.c_str() + used + kUsed.size());
    kernel.clear();
  }
  return registers;
}

RegisterCount::RegisterCount(const std::filesystem::path& source, const std::string& architecture,
                             const std::vector<std::string>& options, const std::filesystem::path& folder)
    : messages_(folder / "nvcc.txt") {
  std::vector<std::string> command{"nvcc",   "-arch=" + architecture, "-Xptxas", "-v",
                                   "-cubin", "--extended-lambda"};
  for (const std::string& option : options) {
    if (option.rfind("-I", 0) == 0 || option.rfind("-D", 0) == 0) command.push_back(option);
  }
  for (const std::string& word : {std::string("-o"), (folder / "kernels.cubin").string(), source.string()})
    command.push_back(word);
  nvcc_ = std::make_unique<Child>(command, messages_.string());
}

std::map<std::string, int> RegisterCount::wait() {
  if (nvcc_->wait() != 0) return {};
  std::ifstream in(messages_);
  std::ostringstream text;
  text << in.rdbuf();
  return registers_in(text.str());
}

}  // namespace tern::profile
