#include "engine/io/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <thread>

#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::string text_of(int descriptor) {
  std::array<char, 512> text{};
  const ssize_t bytes = ::pread(descriptor, text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(bytes, 0))};
}

/// " (process 7)", or " (process 7 on HOST)" for another machine; empty if the file does not say.
std::string holder_in(const std::string& text) {
  std::istringstream words(text);
  std::string mark, process, host;
  words >> mark >> process >> host;
  if (mark != "tern" || process.empty()) return "";
  return " (process " + process + (host == host_name() ? "" : " on " + host) + ")";
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder, const std::string& subject, const std::string& doing,
                       Kind kind)
    : FolderLock(folder, kind) {
  constexpr int kTries = 20;  // a process that was just killed keeps its locks until its memory is freed
  if (!acquire(subject, kTries))
    throw Error(subject, "another process is " + doing + holder_in(text_of(descriptor_)));
}

std::unique_ptr<FolderLock> FolderLock::try_lock(const fs::path& folder, const std::string& subject) {
  std::unique_ptr<FolderLock> lock(new FolderLock(folder, Kind::alone));
  return lock->acquire(subject, 0) ? std::move(lock) : nullptr;
}

FolderLock::~FolderLock() {
  if (descriptor_ < 0) return;
  // While nobody else holds it: whoever opened this file looks whether it is still there.
  const bool is_last = is_acquired_ && (kind_ == Kind::alone || ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0);
  if (is_last && is_still_there()) ::unlink(path_.c_str());
  ::close(descriptor_);
}

void FolderLock::share() {
  kind_ = Kind::shared;
  if (is_held_) ::flock(descriptor_, LOCK_SH);
}

/// False where another process holds it.
bool FolderLock::acquire(const std::string& subject, int tries) {
  do {  // once more where its holder removed the file after it was opened here
    if (descriptor_ >= 0) ::close(descriptor_);
    open(subject);
    const std::string text = text_of(descriptor_);
    if (!text.empty() && !text.starts_with("tern "))
      throw Error(path_.string(), "a file of tern's, or none", "another one");
    if (!lock_soon(tries)) return false;
  } while (!is_still_there());
  is_acquired_ = true;
  sign();
  return true;
}

void FolderLock::open(const std::string& subject) {
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw Error(subject, "cannot make " + path_.string() + ": " + std::strerror(errno));
}

bool FolderLock::lock() {
  int result = 0;
  do {
    result = ::flock(descriptor_, (kind_ == Kind::alone ? LOCK_EX : LOCK_SH) | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  is_held_ = result == 0;
  return is_held_ || errno != EWOULDBLOCK;  // else the file system has no locks
}

bool FolderLock::lock_soon(int tries) {
  for (; tries > 0; --tries) {
    if (lock()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return lock();
}

bool FolderLock::is_still_there() const {
  struct stat opened {
  }, named{};
  return ::fstat(descriptor_, &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

/// For messages alone: a disk that is full keeps nobody from working.
void FolderLock::sign() const {
  const std::string text = "tern " + std::to_string(::getpid()) + " " + host_name() + "\n";
  if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, text.data(), text.size(), 0) < 0) return;
}

bool is_empty_but_for_lock(const fs::path& folder) {
  return std::all_of(fs::begin(fs::directory_iterator(folder)), fs::end(fs::directory_iterator()),
                     [](const auto& entry) {
                       return entry.path().filename() == FolderLock::kFileName || is_unfinished(entry.path());
                     });
}

}  // namespace tern
