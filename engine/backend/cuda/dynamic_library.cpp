#include "engine/backend/cuda/dynamic_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>

#include "engine/core/check.h"

namespace tern {
namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr ? value : "";
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// PREFIX/lib/python3*/{site,dist}-packages/FOLDER
void add_python_folders(const fs::path& prefix, const std::string& folder, std::vector<fs::path>& folders) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(prefix / "lib", ignored)) {
    if (!entry.path().filename().string().starts_with("python3")) continue;
    for (const char* const packages : {"site-packages", "dist-packages"}) {
      const fs::path candidate = entry.path() / packages / folder;
      if (is_folder(candidate)) found.push_back(candidate);
    }
  }
  std::sort(found.begin(), found.end());
  folders.insert(folders.end(), found.begin(), found.end());
}

std::string reason() {
  const char* const text = dlerror();
  return text != nullptr ? text : "unknown reason";
}

}  // namespace

std::vector<fs::path> library_folders(const std::string& python_folder) {
  std::vector<fs::path> folders;
  for (const char* const variable : {"CUDA_HOME", "CUDA_PATH"}) {
    const fs::path toolkit = environment(variable);
    if (!toolkit.empty() && is_folder(toolkit / "lib64")) folders.push_back(toolkit / "lib64");
  }
  // Of this build: the toolkit's, and the one beside cuDNN's headers, which may be a Python package's.
  for (const char* const folder : {TERN_CUDA_LIBRARIES, TERN_CUDNN_LIBRARIES, "/usr/local/cuda/lib64"}) {
    if (is_folder(folder)) folders.emplace_back(folder);
  }
  for (const char* const variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    const std::string prefix = environment(variable);
    if (!prefix.empty()) add_python_folders(prefix, python_folder, folders);
  }
  const std::string home = environment("HOME");
  if (!home.empty()) add_python_folders(fs::path(home) / ".local", python_folder, folders);
  for (const char* const prefix : {"/usr/local", "/usr"}) add_python_folders(prefix, python_folder, folders);
  return folders;
}

DynamicLibrary::DynamicLibrary(const LibraryNeed& need) : subject_(need.subject) {
  std::vector<std::string> candidates;
  const fs::path named = environment(need.variable.c_str());
  if (!named.empty()) {
    candidates.push_back(is_folder(named) ? (named / need.file).string() : named.string());
    if (!is_there(candidates.back())) {
      throw Error(subject_, need.file + " where " + need.variable + " says",
                  named.string() + ", which has none");
    }
  }
  candidates.push_back(need.file);  // a bare name: the loader's own places
  for (const fs::path& folder : library_folders(need.python_folder)) {
    candidates.push_back((folder / need.file).string());
  }

  std::string places;
  for (const std::string& candidate : candidates) {
    handle_ = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    const std::string why = handle_ == nullptr ? reason() : "";
    if (handle_ != nullptr) {
      path_ = candidate;
      return;
    }
    if (candidate != need.file && is_there(candidate)) {
      throw Error(subject_, "a library that loads", candidate + ": " + why);
    }
    places += candidate == need.file ? "the loader's places, " : candidate + ", ";
  }
  throw Error(subject_, need.file,
              "none; looked in " + places + "and Python's packages; " + need.how_to_get +
                  ", or name its folder in " + need.variable);
}

void* DynamicLibrary::symbol(const char* name) const {
  void* const address = dlsym(handle_, name);
  if (address == nullptr)
    throw Error(subject_, "a library with " + std::string(name), path_ + ", which has none");
  return address;
}

}  // namespace tern
