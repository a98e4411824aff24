// Registers that NVIDIA's assembler gives a kernel's threads, where nvcc is.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/profile/process.h"

namespace tern::profile {

/// By kernel, demangled: "void add<float>(float*)". Of what `nvcc -Xptxas -v` prints.
std::map<std::string, int> registers_in(const std::string& messages);

/// nvcc at work beside the host's compiler.
class RegisterCount {
 public:
  /// `architecture`: "sm_90". `options`: the user's -I and -D.
  RegisterCount(const std::filesystem::path& source, const std::string& architecture,
                const std::vector<std::string>& options, const std::filesystem::path& folder);
  /// Empty if nvcc does not compile the source.
  std::map<std::string, int> wait();

 private:
  std::filesystem::path messages_;
  std::unique_ptr<Child> nvcc_;
};

}  // namespace tern::profile
