// A library to preload: it counts what a program does to files below a folder, and makes one of these operations fail, or end
// the program, as a full disk, a broken one or a power switch would. Environment:
//
//   FAULT_FOLDER   operations on files below it count (an absolute path)
//   FAULT_LOG      a file outside it, to which a line "NUMBER OPERATION PATH" goes for each; they count from 1
//   FAULT_AT       the number of the operation that is to fail; none for 0
//   FAULT          how: ENOSPC, EIO, EDQUOT; EINTR (once, which is no failure); short (half is written, which is none
//                  either); kill (SIGKILL in place of the operation)
//   FAULT_LASTS    1: all operations that need room fail after it, too, as on a disk that stays full
//
// Operations: open (for writing), write, flush (of stdio), sync, rename, mkdir. Where libc writes for itself (stdio), its
// calls cannot be seen: there flush stands for the write.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

struct Settings {
  std::string folder = from_environment("FAULT_FOLDER"), log = from_environment("FAULT_LOG");
  std::string fault = from_environment("FAULT");
  int at = std::atoi(from_environment("FAULT_AT").c_str());
  bool lasts = from_environment("FAULT_LASTS") == "1";
};

const Settings& settings() {
  static const Settings one;
  return one;
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::string path_of(int descriptor) {
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = readlink(link.c_str(), path, sizeof path);
  return length < 0 ? "" : std::string(path, static_cast<std::size_t>(length));
}

std::string absolute(const char* path) {
  if (path[0] == '/') return path;
  char folder[PATH_MAX];
  return getcwd(folder, sizeof folder) == nullptr ? path : std::string(folder) + "/" + path;
}

void log(int number, const char* operation, const std::string& path) {
  if (settings().log.empty()) return;
  const std::string line = std::to_string(number) + " " + operation + " " + path + "\n";
  // By the system's calls: the library's own are those above.
  const auto file =
      syscall(SYS_openat, AT_FDCWD, settings().log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  syscall(SYS_write, file, line.data(), line.size());
  syscall(SYS_close, file);
}

enum class Outcome { as_usual, fails, half };

/// Counts an operation, and says what is to become of it; errno is set where it fails.
Outcome outcome_of(const char* operation, const std::string& path) {
  static std::atomic<int> count{0};
  const Settings& set = settings();
  if (set.folder.empty() || !path.starts_with(set.folder + "/")) return Outcome::as_usual;
  const int number = ++count;
  log(number, operation, path);
  const bool is_later = set.lasts && set.at > 0 && number > set.at && std::string_view(operation) != "rename";
  if (number != set.at && !is_later) return Outcome::as_usual;
  if (set.fault == "kill") kill(getpid(), SIGKILL);
  if (set.fault == "short") return Outcome::half;
  errno = set.fault == "EIO" ? EIO : set.fault == "EINTR" ? EINTR : set.fault == "EDQUOT" ? EDQUOT : ENOSPC;
  return Outcome::fails;
}

bool is_for_writing(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0;
}

}  // namespace

extern "C" {

#define OPEN(name)                                                                                \
  int name(const char* path, int flags, ...) {                                                    \
    va_list arguments;                                                                            \
    va_start(arguments, flags);                                                                   \
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;                   \
    va_end(arguments);                                                                            \
    if (is_for_writing(flags) && outcome_of("open", absolute(path)) == Outcome::fails) return -1; \
    static const auto real = next<int(const char*, int, ...)>(#name);                             \
    return real(path, flags, mode);                                                               \
  }
OPEN(open)
OPEN(open64)

#define FOPEN(name)                                                                             \
  FILE* name(const char* path, const char* mode) {                                              \
    if (mode[0] != 'r' && outcome_of("open", absolute(path)) == Outcome::fails) return nullptr; \
    static const auto real = next<FILE*(const char*, const char*)>(#name);                      \
    return real(path, mode);                                                                    \
  }
FOPEN(fopen)
FOPEN(fopen64)

ssize_t write(int descriptor, const void* bytes, size_t count) {
  static const auto real = next<ssize_t(int, const void*, size_t)>("write");
  const Outcome outcome = outcome_of("write", path_of(descriptor));
  if (outcome == Outcome::fails) return -1;
  return real(descriptor, bytes, outcome == Outcome::half ? (count + 1) / 2 : count);
}

ssize_t writev(int descriptor, const iovec* parts, int count) {  // libstdc++'s files
  static const auto real = next<ssize_t(int, const iovec*, int)>("writev");
  const Outcome outcome = outcome_of("write", path_of(descriptor));
  if (outcome == Outcome::fails) return -1;
  const iovec half{parts[0].iov_base, (parts[0].iov_len + 1) / 2};
  return outcome == Outcome::half ? real(descriptor, &half, 1) : real(descriptor, parts, count);
}

int fflush(FILE* file) {
  static const auto real = next<int(FILE*)>("fflush");
  if (file != nullptr && outcome_of("flush", path_of(fileno(file))) == Outcome::fails) return EOF;
  return real(file);
}

#define SYNC(name)                                                                            \
  int name(int descriptor) {                                                                  \
    static const auto real = next<int(int)>(#name);                                           \
    return outcome_of("sync", path_of(descriptor)) == Outcome::fails ? -1 : real(descriptor); \
  }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char* from, const char* to) {
  static const auto real = next<int(const char*, const char*)>("rename");
  return outcome_of("rename", absolute(to)) == Outcome::fails ? -1 : real(from, to);
}

int mkdir(const char* path, mode_t mode) {
  static const auto real = next<int(const char*, mode_t)>("mkdir");
  return outcome_of("mkdir", absolute(path)) == Outcome::fails ? -1 : real(path, mode);
}

}  // extern "C"
