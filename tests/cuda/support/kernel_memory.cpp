#include <cuda_runtime.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "engine/core/check.h"
#include "tests/support/kernel_memory.h"
#include "tests/support/skip.h"

namespace tern::test {
namespace {

void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw Error(what, cudaGetErrorString(status));
}

bool leaves_unwritten() {
  const char* const value = std::getenv("TERN_LEAVE_UNWRITTEN");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace

void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes > 0 ? bytes : 1), "cudaMalloc");
  if (!leaves_unwritten()) check(cudaMemset(memory, 0xFF, bytes), "cudaMemset");
  return memory;
}
void release(void* memory) {
  cudaFree(memory);
}
void copy(void* to, const void* from, std::size_t bytes) {
  check(cudaDeviceSynchronize(), "the kernels before a copy");
  if (bytes > 0) check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
}
bool device_is_there() {
  int count = 0;
  const bool is_there = cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
  if (!is_there) skip_without_cuda("no GPU");
  return is_there;
}
bool is_emulated() {
  return false;
}
void draw_order(std::uint64_t) {}
std::int64_t launch_count() {
  return 0;
}

}  // namespace tern::test
