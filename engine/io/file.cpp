#include "engine/io/file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "engine/core/check.h"
#include "engine/io/utf8.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kUnfinished = ".tmp";  // and the process

template <typename Container>
Container read_whole(const fs::path& path, std::uint64_t max_bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw Error(path.string(), "a file", "nothing there");
  if (!fs::is_regular_file(status)) throw Error(path.string(), "a regular file", "a folder or device");
  const std::uint64_t bytes = fs::file_size(path, error);
  if (error) throw Error(path.string(), "cannot read it: " + error.message());
  if (bytes > max_bytes) {
    throw Error(path.string(), "at most " + std::to_string(max_bytes) + " bytes", std::to_string(bytes));
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Error(path.string(), std::string("cannot read it: ") + std::strerror(errno));
  Container contents;
  contents.resize(bytes);
  stream.read(reinterpret_cast<char*>(contents.data()), static_cast<std::streamsize>(bytes));
  if (!stream && bytes > 0) throw Error(path.string(), "reading it ended early");
  return contents;
}

const char* kind_of(fs::file_type type) {
  switch (type) {
    case fs::file_type::directory:
      return "a folder";
    case fs::file_type::character:
    case fs::file_type::block:
      return "a device";
    case fs::file_type::fifo:
      return "a pipe";
    case fs::file_type::socket:
      return "a socket";
    default:
      return "something else";
  }
}

// Where writing to `path` ends after all links, the last of which may point at nothing yet.
fs::path without_links(const fs::path& path) {
  constexpr int kMaxLinks = 40;  // as Linux
  fs::path target = path;
  for (int links = 0; fs::is_symlink(fs::symlink_status(target)); ++links) {
    if (links == kMaxLinks) throw Error(path.string(), "a file to write", "links that lead in a circle");
    target = target.parent_path() / fs::read_symlink(target);  // an absolute one replaces the folder
  }
  return target;
}

fs::path folder_of(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

void sync_by(int (*sync)(int), const fs::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced =
      descriptor >= 0 && (sync(descriptor) == 0 || errno == EINVAL);  // a file system without it
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) throw Error(folder.string(), std::string("cannot flush the folder: ") + std::strerror(reason));
}

// The file that writing to `path` replaces or makes. Throws Error{path, ...} if it cannot be one.
fs::path writing_target(const fs::path& path) {
  constexpr const char* kWanted = "a file to write";
  if (!path.has_filename() && !fs::is_directory(path)) {
    throw Error(path.string(), kWanted, path.empty() ? "no name" : "a name that ends in /");
  }
  try {
    // Asked of the name as given: /dev/stdout is a link that only the kernel can follow.
    const fs::file_status status = fs::status(path);
    if (fs::exists(status) && !fs::is_regular_file(status)) {
      throw Error(path.string(), kWanted, kind_of(status.type()));
    }
    const fs::path target = without_links(path);
    const fs::path folder = folder_of(target);
    if (!fs::is_directory(folder)) {
      throw Error(path.string(), "a folder to write it in", "none at " + folder.string());
    }
    return target;
  } catch (const fs::filesystem_error& error) {
    throw Error(path.string(), "cannot write it: " + error.code().message());
  }
}

/// Not the process's number, which another machine may have given to a process that shares the folder.
std::uint64_t drawn_number() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number) return number;
  return static_cast<std::uint64_t>(::getpid());
}

}  // namespace

std::vector<std::byte> read_file(const fs::path& path, std::uint64_t max_bytes) {
  return read_whole<std::vector<std::byte>>(path, max_bytes);
}

std::string read_text_file(const fs::path& path, std::uint64_t max_bytes) {
  std::string text = read_whole<std::string>(path, max_bytes);
  text.erase(0, text.size() - without_byte_order_mark(text).size());
  return text;
}

AtomicFile::AtomicFile(const fs::path& path)
    : path_(path), target_(writing_target(path)), temporary_(target_) {
  temporary_ += std::string(kUnfinished) + std::to_string(drawn_number());
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("create");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail("flush");  // EINVAL: a file system without it
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), target_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_.c_str());
    errno = reason;
    fail("finish");
  }
  sync_folder(folder_of(target_));
}

void AtomicFile::fail(const char* doing) const {
  throw Error(path_.string(), std::string("cannot ") + doing + " it: " + std::strerror(errno));
}

bool is_unfinished(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::size_t mark = name.rfind(kUnfinished);
  if (mark == std::string::npos) return false;
  const std::string_view number = std::string_view(name).substr(mark + kUnfinished.size());
  return !number.empty() && number.find_first_not_of("0123456789") == std::string_view::npos;
}

void remove_unfinished(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_unfinished(entry.path())) found.push_back(entry.path());
  }
  for (const fs::path& path : found) fs::remove(path);
}

void sync_folder(const fs::path& folder) {
  sync_by(::fsync, folder);
}

void sync_file_system(const fs::path& folder) {
  sync_by(::syncfs, folder);
}

void write_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void check_writable(const std::string& option, const fs::path& path) {
  try {
    const AtomicFile attempt(path);  // gone again, with its temporary file
  } catch (const Error& error) {
    throw Error(option, error.what());
  }
}

void make_folder(const std::string& option, const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) throw Error(option + " " + path.string(), "cannot make the folder: " + error.message());
}

void check_not_input(const std::string& option, const fs::path& path, const std::string& what,
                     const fs::path& input) {
  if (!same_file(path, input)) return;
  throw Error(option + " " + path.string(), "another file than the inputs", what + " " + input.string());
}

void check_replaces(const std::string& option, const fs::path& path, bool replace) {
  std::error_code absent;
  if (replace || !fs::is_regular_file(path, absent) || fs::file_size(path, absent) == 0) return;
  throw Error(option + " " + path.string(), "a new file, or --replace to write over the one that is there",
              "one that is there");
}

void check_replaces_only(const std::string& option, const fs::path& path,
                         const std::function<bool(std::string_view head)>& is_one, const std::string& what) {
  constexpr std::streamsize kHeadBytes = 1024;
  std::error_code absent;
  if (!fs::is_regular_file(path, absent) || fs::file_size(path, absent) == 0) return;
  std::string head(kHeadBytes, '\0');
  std::ifstream stream(path, std::ios::binary);
  stream.read(head.data(), kHeadBytes);
  head.resize(static_cast<std::size_t>(stream.gcount()));
  if (is_one(head)) return;
  throw Error(option + " " + path.string(), "a new file, or " + what + " to write over", "another file");
}

bool same_file(const fs::path& a, const fs::path& b) {
  std::error_code absent;
  return fs::equivalent(a, b, absent) && !absent;
}

}  // namespace tern
