// CUDA's own syntax made C++ that a host's compiler takes, everything else of a source left as it is and on its line:
//
//   kernel<T, 4><<<grid, block>>>(x, n);        a call of the emulator's launch (launch.h)
//   __shared__ float tile[32][33], x;           references to the block's watched shared memory (shared.h)
//   extern __shared__ T s[];                    the launch's dynamic shared memory, in a function or outside
//   __device__ int count; __constant__ ...      also told to the emulator, as memory that kernels may touch
//   memcpy(to, from, bytes), memmove, memset    tern_memcpy and so on: copies.h
//   cudaLaunchKernel((void*)kernel, ...)        with the kernel's own type
//
// What #include "..." names is translated too, where it is found.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/common/emulator/program/functions.h"

namespace tern::emulator {

/// What must be known of kernels before their launches: how a name can be meant.
struct KernelName {
  std::size_t template_parameters = 0;  ///< the most that a declaration has
  std::set<std::string> parameters;     ///< texts; several: overloaded
  std::set<std::string> names;  ///< of the parameters, with commas between; several: nobody knows which
};

/// What an #error begins with that stands for what is refused, before what came. Its lines are the only ones of the compiler's
/// messages that say something.
inline constexpr std::string_view kRefusal = "tern: ";

class Translator {
 public:
  /// `copies`: a folder for translated files. `include_folders`: where headers are looked for after the including file's own.
  explicit Translator(std::filesystem::path copies, std::vector<std::filesystem::path> include_folders = {});

  /// The translated copy of a source. Throws Error "FILE:LINE: ..." for what is not CUDA, and if a file cannot be read.
  std::filesystem::path translate_file(const std::filesystem::path& file);
  /// The files that have been translated: that, and what it includes.
  std::vector<std::filesystem::path> files() const;
  /// Of a text alone. `file`: for messages and as the including file.
  std::string translate(std::string_view source, const std::filesystem::path& file);

 private:
  friend class SourceTranslation;
  /// What a header that is found becomes in an #include; empty if it is not.
  std::string included(const std::string& name, bool quoted, const std::filesystem::path& from);

  std::filesystem::path copies_;
  std::vector<std::filesystem::path> include_folders_;
  std::map<std::filesystem::path, std::filesystem::path> done_;  ///< and under way
  std::map<std::string, KernelName, std::less<>> kernels_;
  Functions functions_;
  int declared_ = 0;  ///< names made up so far
};

}  // namespace tern::emulator
