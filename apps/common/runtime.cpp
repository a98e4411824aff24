#include "apps/common/runtime.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "engine/backend/backend.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/device/device_memory.h"
#include "engine/io/utf8.h"

namespace tern {
namespace {

volatile std::sig_atomic_t stop_arrived = 0;  // the signal

void note_stop(int signal) {
  stop_arrived = signal;
  std::signal(signal, SIG_DFL);  // the next one ends the process
}

}  // namespace

Device gpu_or_cpu(const std::function<void(Device)>& open, std::FILE* notes) {
  try {
    open(Device::cuda());
    return Device::cuda();
  } catch (const NoDevice&) {  // nothing that somebody could have meant to use
  } catch (const Error& error) {
    fmt::print(notes, "tern: going on with the CPU, since the GPU cannot be used: {}\n", error.what());
  }
  return Device::cpu();
}

Device prepare_runtime(const RuntimeOptions& options) {
  if (options.threads > 0) set_thread_count(options.threads);
  if (options.device == "cpu") return Device::cpu();
  if (options.device == "auto") {
    static const Device found =
        gpu_or_cpu([](Device gpu) { backend_of(gpu); }, stderr);  // a study asks often
    return found;
  }
  if (options.device != "cuda") throw Error("--device", "auto, cpu or cuda", options.device);
  backend_of(Device::cuda());
  return Device::cuda();
}

int loader_threads(Device device) {
  // On the CPU the step itself wants every core; a loader thread sleeps most of the time.
  return device.is_cpu() ? std::clamp(thread_count() / 4, 1, 4) : std::max(thread_count() / 2, 1);
}

StopRequest::StopRequest() {
  stop_arrived = 0;
  std::signal(SIGINT, note_stop);
  std::signal(SIGTERM, note_stop);
}

StopRequest::~StopRequest() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  stop_arrived = 0;
}

bool StopRequest::arrived() {
  return signal() != 0;
}

int StopRequest::signal() {
  return stop_arrived;
}

std::unique_ptr<FolderLock> lock_folder(const std::filesystem::path& folder, const std::string& doing,
                                        FolderLock::Kind kind) {
  auto lock = std::make_unique<FolderLock>(folder, "--out " + folder.string(), doing, kind);
  if (!lock->is_held()) {
    fmt::print(stderr, "tern: the file system of {} has no locks: see that no other process works in it\n",
               visible(folder.string()));
  }
  return lock;
}

double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

}  // namespace tern
