#include "apps/runtime.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "engine/backend/backend.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

volatile std::sig_atomic_t stop_arrived = 0;

void note_stop(int signal) {
  stop_arrived = 1;
  std::signal(signal, SIG_DFL);  // the next one ends the process
}

bool has_cuda() {
  try {
    backend_of(Device::cuda());
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

Device prepare_runtime(const RuntimeOptions& options) {
  if (options.threads > 0) set_thread_count(options.threads);
  if (options.device == "cpu") return Device::cpu();
  if (options.device == "auto") return has_cuda() ? Device::cuda() : Device::cpu();
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
  return stop_arrived != 0;
}

double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // Linux counts in KiB
}

}  // namespace tern
