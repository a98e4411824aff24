// CUDA's libraries, looked for when they are first needed: a program that never uses a GPU runs without them,
// and where one is missing the error says which file and where it was looked for.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tern {

/// What to look for.
struct LibraryNeed {
  std::string subject;        ///< for people: "cuDNN"
  std::string file;           ///< "libcudnn.so.9"
  std::string variable;       ///< an environment variable that may name the file or its folder
  std::string python_folder;  ///< where a Python package keeps it: "nvidia/cudnn/lib"
  std::string how_to_get;     ///< "install it with pip install nvidia-cudnn-cu13"
};

class DynamicLibrary {
 public:
  /// Looks at $variable, where the loader looks, in the toolkit's folders and in Python's. Throws
  /// Error{subject, file, places} if it is in none of them, and with the loader's reason if it is there and
  /// does not load.
  explicit DynamicLibrary(const LibraryNeed& need);

  /// Throws Error{subject, ...} if the library has no such function, as an older one may not.
  template <typename Function>
  void find(const char* name, Function*& function) const {
    function = reinterpret_cast<Function*>(symbol(name));
  }
  const std::string& path() const { return path_; }  ///< the file that was loaded

 private:
  void* symbol(const char* name) const;

  std::string subject_, path_;
  void* handle_ = nullptr;  ///< never closed: CUDA's libraries do not like to be unloaded
};

/// The folders of the last two kinds, in the order in which they are searched; only those that exist.
std::vector<std::filesystem::path> library_folders(const std::string& python_folder);

}  // namespace tern
