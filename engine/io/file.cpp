#include "engine/io/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "engine/core/check.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

template <typename Container>
Container read_whole(const fs::path& path, std::uint64_t most_bytes) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) throw Error(path.string(), "a file", "nothing there");
  if (!fs::is_regular_file(status)) throw Error(path.string(), "a regular file", "a folder or device");
  const std::uint64_t bytes = fs::file_size(path, error);
  if (error) throw Error(path.string(), "cannot read it: " + error.message());
  if (bytes > most_bytes) {
    throw Error(path.string(), "at most " + std::to_string(most_bytes) + " bytes", std::to_string(bytes));
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Error(path.string(), std::string("cannot read it: ") + std::strerror(errno));
  Container contents;
  contents.resize(bytes);
  stream.read(reinterpret_cast<char*>(contents.data()), static_cast<std::streamsize>(bytes));
  if (!stream && bytes > 0) throw Error(path.string(), "reading it ended early");
  return contents;
}

}  // namespace

std::vector<std::byte> read_file(const fs::path& path, std::uint64_t most_bytes) {
  return read_whole<std::vector<std::byte>>(path, most_bytes);
}

std::string read_text_file(const fs::path& path, std::uint64_t most_bytes) {
  return read_whole<std::string>(path, most_bytes);
}

AtomicFile::AtomicFile(const fs::path& path) : path_(path), temporary_(path) {
  temporary_ += ".tmp" + std::to_string(::getpid());
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
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail("flush");  // EINVAL: a pipe or a special file
  const int descriptor = descriptor_;
  descriptor_ = -1;
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(temporary_.c_str());
    errno = reason;
    fail("finish");
  }
}

void AtomicFile::fail(const char* doing) const {
  throw Error(path_.string(), std::string("cannot ") + doing + " it: " + std::strerror(errno));
}

void write_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace tern
