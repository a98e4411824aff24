#include "tests/cuda/made_up/runtime.h"

#include <cuda_runtime.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "benchmarks/kernels/device.h"

// Of kernels/common/emulator/emulator.h, whose CUDA is another than that of cuda_runtime.h.
namespace tern::emulator {
void set_launch_recorder(void (*recorder)(std::function<void()> launch));
}

namespace {

using Launches = std::vector<std::function<void()>>;

std::string made_up_log;
Launches captured;
bool is_capturing = false;

std::chrono::steady_clock::time_point& time_of(cudaEvent_t event) {
  return *reinterpret_cast<std::chrono::steady_clock::time_point*>(event);
}

void issue(std::function<void()> work) {
  if (is_capturing)
    captured.push_back(std::move(work));
  else
    work();
}

}  // namespace

std::string tern::test::take_made_up_log() {
  return std::exchange(made_up_log, {});
}

// The rest of the device is benchmarks/kernels/counting_device.cpp.
void tern::bench::read_all(const float*, std::int64_t, float*, Stream) {
  made_up_log += 'f';
}
void tern::bench::launch_empty(Stream) {
  issue([] {});
}

extern "C" {

const char* cudaGetErrorString(cudaError_t) {
  return "made up";
}
cudaError_t cudaGetLastError() {
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {};
  std::strcpy(properties->name, "Made-up GPU");
  properties->l2CacheSize = 4096;
  properties->totalGlobalMem = tern::test::kMadeUpMemory;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetPCIBusId(char* text, int bytes, int) {
  std::strncpy(text, "0000:00:00.0", static_cast<std::size_t>(bytes));
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  *free = *total = tern::test::kMadeUpMemory;
  return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() {
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  issue([=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = nullptr;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t) {
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) {
  made_up_log += 's';
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = reinterpret_cast<cudaEvent_t>(new std::chrono::steady_clock::time_point);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete &time_of(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  made_up_log += 'e';
  time_of(event) = std::chrono::steady_clock::now();
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) {
  return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  *milliseconds = std::chrono::duration<float, std::milli>(time_of(end) - time_of(begin)).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  is_capturing = true;
  tern::emulator::set_launch_recorder(
      [](std::function<void()> launch) { captured.push_back(std::move(launch)); });
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  is_capturing = false;
  tern::emulator::set_launch_recorder(nullptr);
  *graph = reinterpret_cast<cudaGraph_t>(new Launches(std::exchange(captured, {})));
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t*, std::size_t* count) {
  *count = reinterpret_cast<Launches*>(graph)->size();
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = reinterpret_cast<cudaGraphExec_t>(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  made_up_log += 'g';
  for (const std::function<void()>& launch : *reinterpret_cast<Launches*>(executable)) launch();
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) {
  return cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete reinterpret_cast<Launches*>(graph);
  return cudaSuccess;
}

}  // extern "C"
