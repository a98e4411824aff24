#include "benchmarks/kernels/device.h"

#include <algorithm>
#include <string>

#include "engine/core/check.h"
#include "kernels/common/kernel.h"

namespace tern::bench {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 1 << 14;

/// Mixes 64 bits: SplitMix64's finaliser.
__device__ std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

template <typename T>
__global__ void random_kernel(T* y, std::int64_t n, float low, float high, std::uint64_t seed) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += step) {
    const std::uint64_t bits = mix(seed * 0x9e3779b97f4a7c15ull + static_cast<std::uint64_t>(i) + 1);
    const float unit = static_cast<float>(bits >> 40) / (1 << 24);
    const float value = low + (high - low) * unit;
    y[i] = T(value < high ? value : low);  // 1 + the largest unit is rounded to 2
  }
}

__global__ void read_kernel(const float* x, std::int64_t n, float* never_written) {
  const std::int64_t step = std::int64_t{gridDim.x} * kThreads;
  float sum = 0;
  for (std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x; i < n; i += step) sum += x[i];
  if (sum == -1) *never_written = sum;  // x is positive: the compiler must not know
}

__global__ void empty_kernel() {}

template <typename T>
__global__ void gather_kernel(const T* x, std::int64_t count, std::int64_t step, float* y) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < count) y[i] = static_cast<float>(x[i * step]);
}

std::int64_t blocks_for(std::int64_t n) {
  return std::min(kernels::ceil_div(n, kThreads), kMaxBlocks);
}

void check(cudaError_t status, const std::string& what) {
  if (status != cudaSuccess) throw Error(what, cudaGetErrorString(status));
}

}  // namespace

template <typename T>
void fill_random(T* y, std::int64_t n, float low, float high, std::uint64_t seed, Stream stream) {
  kernels::launch(random_kernel<T>, blocks_for(n), kThreads, 0, stream, y, n, low, high, seed);
}
template void fill_random(float*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(bfloat16*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(std::int32_t*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(std::uint8_t*, std::int64_t, float, float, std::uint64_t, Stream);

void read_all(const float* x, std::int64_t n, float* never_written, Stream stream) {
  kernels::launch(read_kernel, blocks_for(n), kThreads, 0, stream, x, n, never_written);
}
void launch_empty(Stream stream) {
  kernels::launch(empty_kernel, 1, 32, 0, stream);
}

template <typename T>
void gather(const T* x, std::int64_t count, std::int64_t step, float* y) {
  kernels::launch(gather_kernel<T>, kernels::ceil_div(count, kThreads), kThreads, 0, nullptr, x, count, step,
                  y);
}
template void gather(const float*, std::int64_t, std::int64_t, float*);
template void gather(const bfloat16*, std::int64_t, std::int64_t, float*);

std::shared_ptr<void> allocate(std::size_t bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, bytes > 0 ? bytes : 1), "cudaMalloc of " + std::to_string(bytes) + " bytes");
  return {memory, [](void* of) { cudaFree(of); }};
}
void copy(void* to, const void* from, std::size_t bytes) {
  check(cudaDeviceSynchronize(), "the kernels before a copy");
  check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy");
}
void poison(void* memory, std::size_t bytes) {
  check(cudaMemset(memory, 0xFF, bytes), "cudaMemset");
  check(cudaDeviceSynchronize(), "cudaMemset");  // the benchmarks' stream does not wait for this one
}
void zero(void* memory, std::size_t bytes) {
  check(cudaMemset(memory, 0, bytes), "cudaMemset");
  check(cudaDeviceSynchronize(), "cudaMemset");
}

}  // namespace tern::bench
