// What a command needs of the machine: the device and the threads it runs on, Ctrl-C, memory used.
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/core/check.h"
#include "engine/device/allocator.h"
#include "engine/device/device.h"
#include "engine/io/folder_lock.h"

namespace tern {

struct RuntimeOptions {
  std::string device = "auto";  ///< "auto", "cpu" or "cuda"
  int threads = 0;              ///< of the CPU; 0: all
  /// Processes that share the work (ranks.h): so many are started, or for 0 those that a launcher has. None: this one does all.
  std::optional<int> ranks = std::nullopt;
};

/// Sets the number of threads and returns the device; "auto" is gpu_or_cpu with a
/// line on stderr. Throws Error{--device, ...} for a device that is not there.
Device prepare_runtime(const RuntimeOptions& options);

/// The first GPU if `open` takes it, else the CPU. A GPU that is there but cannot be used costs a line of
/// `notes`; where there is none (NoDevice), nothing is said.
Device gpu_or_cpu(const std::function<void(Device)>& open, std::FILE* notes);

/// Worker threads for a loader beside a training step on `device`.
int loader_threads(Device device);

/// While alive, Ctrl-C and SIGTERM only set a flag, so that a step can end first. A second one ends the
/// process at once.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  static bool arrived();
  /// SIGINT or SIGTERM; 0 while none arrived.
  static int signal();
};

/// Work ended early because a StopRequest arrived, by signal() (of its time: the StopRequest may be gone when this is caught).
class Stopped : public Error {
 public:
  Stopped(const std::string& subject, const std::string& message, int signal = StopRequest::signal())
      : Error(subject, message), signal_(signal) {}

  int signal() const { return signal_; }

 private:
  int signal_;
};

/// Does a batch's work; where it runs out of memory, the Error says which setting would need less.
template <typename Work>
auto with_memory_advice(std::int64_t batch_size, Work&& work) {
  try {
    return work();
  } catch (const OutOfMemory& error) {
    throw OutOfMemory(error.bytes(),
                      "lower batch_size, now " + std::to_string(batch_size) + ", or close other programs",
                      error.figures());
  }
}

/// Keeps other processes out of `folder`, which must be there, for as long as the lock lives. Throws
/// Error{--out folder, "another process is <doing>"} where one has it; a file system without locks costs a
/// line on stderr.
std::unique_ptr<FolderLock> lock_folder(const std::filesystem::path& folder, const std::string& doing,
                                        FolderLock::Kind kind = FolderLock::Kind::alone);

/// The most memory this process has held, in MiB.
double peak_memory_mib();

}  // namespace tern
