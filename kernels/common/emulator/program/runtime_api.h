// CUDA's runtime API for translated programs. Everything is done at once, whatever its stream. A misuse is printed with its
// place in the source, and returned as CUDA would.
#pragma once

#include "kernels/common/emulator/program/launch.h"
#include "kernels/common/emulator/program/runtime_types.h"

namespace tern::emulator::program {

/// Who may touch it: kernels, both, both. A heap's is of kernels' own allocation, and copied by none of the host's calls.
enum class MemoryKind { device, managed, host, heap };

cudaError_t allocate(void** memory, std::size_t bytes, MemoryKind kind, const char* function,
                     TernPlace where);
cudaError_t deallocate(void* memory, const char* function, TernPlace where);
/// `height` rows of `width` bytes, those of memory `pitch` apart.
struct Rows {
  std::size_t width, height, to_pitch, from_pitch;
};
cudaError_t copy(void* to, const void* from, Rows rows, cudaMemcpyKind kind, const char* function,
                 TernPlace where);
cudaError_t fill(void* memory, int value, Rows rows, const char* function, TernPlace where);
/// Of a variable of `size` bytes: `to` or `from` lies in it.
cudaError_t copy_symbol(void* to, const void* from, std::size_t bytes, std::size_t offset, std::size_t size,
                        bool is_to_symbol, TernPlace where);
cudaError_t allow_shared(const void* function, cudaFuncAttribute attribute, int value);
cudaError_t occupancy_of(int* blocks, int threads, std::size_t shared_bytes);
cudaError_t best_block(int* grid, int* threads, std::size_t shared_bytes, int most);
/// Of host code that kernels may touch from then on, until it is given back.
cudaError_t register_host(void* memory, std::size_t bytes, TernPlace where);
cudaError_t unregister_host(void* memory, TernPlace where);
cudaError_t attributes_of(cudaPointerAttributes* attributes, const void* memory);
/// cudaProfilerStart and cudaProfilerStop.
void start_profiling(bool on);
/// A part of the API that the emulator has not: printed with what to do, and an error.
cudaError_t refuse(const char* function, const char* instead, TernPlace where);
/// The same in a kernel: ends the launch.
[[noreturn]] void refuse_in_kernel(const char* what, const char* instead, TernPlace where);

template <typename T>
void* plain(const T& variable) {
  return const_cast<char*>(&reinterpret_cast<const volatile char&>(variable));
}

}  // namespace tern::emulator::program

#define TERN_WHERE TernPlace where = TernPlace::current()

template <typename T>
cudaError_t cudaMalloc(T** memory, size_t bytes, TERN_WHERE) {
  using namespace tern::emulator::program;
  return allocate(reinterpret_cast<void**>(memory), bytes, MemoryKind::device, "cudaMalloc", where);
}
template <typename T>
cudaError_t cudaMallocAsync(T** memory, size_t bytes, cudaStream_t, TERN_WHERE) {
  return cudaMalloc(memory, bytes, where);
}
template <typename T>
cudaError_t cudaMallocManaged(T** memory, size_t bytes, unsigned = cudaMemAttachGlobal, TERN_WHERE) {
  using namespace tern::emulator::program;
  return allocate(reinterpret_cast<void**>(memory), bytes, MemoryKind::managed, "cudaMallocManaged", where);
}
template <typename T>
cudaError_t cudaMallocHost(T** memory, size_t bytes, unsigned = 0, TERN_WHERE) {
  using namespace tern::emulator::program;
  return allocate(reinterpret_cast<void**>(memory), bytes, MemoryKind::host, "cudaMallocHost", where);
}
template <typename T>
cudaError_t cudaHostAlloc(T** memory, size_t bytes, unsigned, TERN_WHERE) {
  using namespace tern::emulator::program;
  return allocate(reinterpret_cast<void**>(memory), bytes, MemoryKind::host, "cudaHostAlloc", where);
}
template <typename T>
cudaError_t cudaMallocPitch(T** memory, size_t* pitch, size_t width, size_t height, TERN_WHERE) {
  using namespace tern::emulator::program;
  *pitch = (width + 511) / 512 * 512;
  return allocate(reinterpret_cast<void**>(memory), *pitch * height, MemoryKind::device, "cudaMallocPitch",
                  where);
}
inline cudaError_t cudaFree(void* memory, TERN_WHERE) {
  return tern::emulator::program::deallocate(memory, "cudaFree", where);
}
inline cudaError_t cudaFreeAsync(void* memory, cudaStream_t, TERN_WHERE) {
  return tern::emulator::program::deallocate(memory, "cudaFreeAsync", where);
}
inline cudaError_t cudaFreeHost(void* memory, TERN_WHERE) {
  return tern::emulator::program::deallocate(memory, "cudaFreeHost", where);
}
template <typename T>
cudaError_t cudaHostGetDevicePointer(T** device, void* host, unsigned) {
  *device = static_cast<T*>(host);
  return cudaSuccess;
}

inline cudaError_t cudaHostRegister(void* memory, size_t bytes, unsigned, TERN_WHERE) {
  return tern::emulator::program::register_host(memory, bytes, where);
}
inline cudaError_t cudaHostUnregister(void* memory, TERN_WHERE) {
  return tern::emulator::program::unregister_host(memory, where);
}
inline cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* memory) {
  return tern::emulator::program::attributes_of(attributes, memory);
}

inline cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, TERN_WHERE) {
  return tern::emulator::program::copy(to, from, {bytes, 1, bytes, bytes}, kind, "cudaMemcpy", where);
}
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                                   cudaStream_t = nullptr, TERN_WHERE) {
  return tern::emulator::program::copy(to, from, {bytes, 1, bytes, bytes}, kind, "cudaMemcpyAsync", where);
}
inline cudaError_t cudaMemcpy2D(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width,
                                size_t height, cudaMemcpyKind kind, TERN_WHERE) {
  return tern::emulator::program::copy(to, from, {width, height, to_pitch, from_pitch}, kind, "cudaMemcpy2D",
                                       where);
}
inline cudaError_t cudaMemcpy2DAsync(void* to, size_t to_pitch, const void* from, size_t from_pitch,
                                     size_t width, size_t height, cudaMemcpyKind kind, cudaStream_t = nullptr,
                                     TERN_WHERE) {
  return tern::emulator::program::copy(to, from, {width, height, to_pitch, from_pitch}, kind,
                                       "cudaMemcpy2DAsync", where);
}
inline cudaError_t cudaMemset(void* memory, int value, size_t bytes, TERN_WHERE) {
  return tern::emulator::program::fill(memory, value, {bytes, 1, bytes, bytes}, "cudaMemset", where);
}
inline cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t = nullptr,
                                   TERN_WHERE) {
  return tern::emulator::program::fill(memory, value, {bytes, 1, bytes, bytes}, "cudaMemsetAsync", where);
}
inline cudaError_t cudaMemset2DAsync(void* memory, size_t pitch, int value, size_t width, size_t height,
                                     cudaStream_t = nullptr, TERN_WHERE) {
  return tern::emulator::program::fill(memory, value, {width, height, pitch, pitch}, "cudaMemset2DAsync",
                                       where);
}
inline cudaError_t cudaMemset2D(void* memory, size_t pitch, int value, size_t width, size_t height,
                                TERN_WHERE) {
  return tern::emulator::program::fill(memory, value, {width, height, pitch, pitch}, "cudaMemset2D", where);
}

template <typename T>
cudaError_t cudaMemcpyToSymbol(const T& symbol, const void* from, size_t bytes, size_t offset = 0,
                               cudaMemcpyKind = cudaMemcpyHostToDevice, TERN_WHERE) {
  using namespace tern::emulator::program;
  return copy_symbol(plain(symbol), from, bytes, offset, sizeof(T), true, where);
}
template <typename T>
cudaError_t cudaMemcpyToSymbolAsync(const T& symbol, const void* from, size_t bytes, size_t offset = 0,
                                    cudaMemcpyKind = cudaMemcpyHostToDevice, cudaStream_t = nullptr,
                                    TERN_WHERE) {
  using namespace tern::emulator::program;
  return copy_symbol(plain(symbol), from, bytes, offset, sizeof(T), true, where);
}
template <typename T>
cudaError_t cudaMemcpyFromSymbol(void* to, const T& symbol, size_t bytes, size_t offset = 0,
                                 cudaMemcpyKind = cudaMemcpyDeviceToHost, TERN_WHERE) {
  using namespace tern::emulator::program;
  return copy_symbol(to, plain(symbol), bytes, offset, sizeof(T), false, where);
}
template <typename T>
cudaError_t cudaMemcpyFromSymbolAsync(void* to, const T& symbol, size_t bytes, size_t offset = 0,
                                      cudaMemcpyKind = cudaMemcpyDeviceToHost, cudaStream_t = nullptr,
                                      TERN_WHERE) {
  using namespace tern::emulator::program;
  return copy_symbol(to, plain(symbol), bytes, offset, sizeof(T), false, where);
}
template <typename P, typename T>
cudaError_t cudaGetSymbolAddress(P** memory, const T& symbol) {
  *memory = static_cast<P*>(tern::emulator::program::plain(symbol));
  return cudaSuccess;
}
template <typename T>
cudaError_t cudaGetSymbolSize(size_t* bytes, const T&) {
  *bytes = sizeof(T);
  return cudaSuccess;
}

cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorString(cudaError_t error);
const char* cudaGetErrorName(cudaError_t error);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaDeviceReset();
cudaError_t cudaMemGetInfo(size_t* free, size_t* total);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaDeviceSetLimit(cudaLimit limit, size_t value);
cudaError_t cudaDeviceGetLimit(size_t* value, cudaLimit limit);
inline cudaError_t cudaThreadSynchronize() {
  return cudaDeviceSynchronize();
}
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
inline cudaError_t cudaChooseDevice(int* device, const cudaDeviceProp*) {
  *device = 0;
  return cudaSuccess;
}
inline cudaError_t cudaSetDeviceFlags(unsigned) {
  return cudaSuccess;
}
// There is one device, without a peer.
inline cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) {
  *can = 0;
  return cudaSuccess;
}
inline cudaError_t cudaDeviceEnablePeerAccess(int, unsigned) {
  return cudaSetDevice(1);
}
inline cudaError_t cudaDeviceDisablePeerAccess(int) {
  return cudaSetDevice(1);
}
inline cudaError_t cudaMemcpyPeer(void* to, int, const void* from, int, size_t bytes, TERN_WHERE) {
  return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice, where);
}
inline cudaError_t cudaMemcpyPeerAsync(void* to, int, const void* from, int, size_t bytes,
                                       cudaStream_t = nullptr, TERN_WHERE) {
  return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice, where);
}
inline cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
inline cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

// Time between events is that of the emulation on this machine, no GPU's.
cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t = nullptr);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end);
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t) {
  return cudaDeviceSynchronize();
}
inline cudaError_t cudaEventQuery(cudaEvent_t) {
  return cudaSuccess;
}

cudaError_t cudaStreamCreate(cudaStream_t* stream);
inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  return cudaStreamCreate(stream);
}
inline cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  return cudaStreamCreate(stream);
}
inline cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  if (least != nullptr) *least = 0;
  if (greatest != nullptr) *greatest = -5;
  return cudaSuccess;
}
inline cudaError_t cudaStreamAttachMemAsync(cudaStream_t, void*, size_t = 0, unsigned = 0) {
  return cudaSuccess;
}
// What was before them in the stream has been done.
inline cudaError_t cudaLaunchHostFunc(cudaStream_t, cudaHostFn_t function, void* data) {
  function(data);
  return cudaGetLastError();
}
inline cudaError_t cudaStreamAddCallback(cudaStream_t stream, cudaStreamCallback_t callback, void* data,
                                         unsigned) {
  callback(stream, cudaDeviceSynchronize(), data);
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t) {
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t) {
  return cudaDeviceSynchronize();
}
inline cudaError_t cudaStreamQuery(cudaStream_t) {
  return cudaSuccess;
}
inline cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned = 0) {
  return cudaSuccess;
}

template <typename F>
cudaError_t cudaFuncSetAttribute(F* kernel, cudaFuncAttribute attribute, int value) {
  return tern::emulator::program::allow_shared(reinterpret_cast<const void*>(kernel), attribute, value);
}
template <typename F>
cudaError_t cudaFuncSetCacheConfig(F*, cudaFuncCache) {
  return cudaSuccess;
}
template <typename F>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, F*) {
  *attributes = {};
  return cudaSuccess;
}
inline cudaError_t cudaDeviceSetCacheConfig(cudaFuncCache) {
  return cudaSuccess;
}
inline cudaError_t cudaDeviceSetSharedMemConfig(cudaSharedMemConfig) {
  return cudaSuccess;
}
template <typename F>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, F*, int threads, size_t shared_bytes) {
  return tern::emulator::program::occupancy_of(blocks, threads, shared_bytes);
}
template <typename F>
cudaError_t cudaOccupancyMaxPotentialBlockSize(int* grid, int* threads, F*, size_t shared_bytes = 0,
                                               int most = 0) {
  return tern::emulator::program::best_block(grid, threads, shared_bytes, most);
}

inline cudaError_t cudaMemPrefetchAsync(const void*, size_t, int, cudaStream_t = nullptr) {
  return cudaSuccess;
}
inline cudaError_t cudaMemAdvise(const void*, size_t, cudaMemoryAdvise, int) {
  return cudaSuccess;
}
// As of CUDA 13.
inline cudaError_t cudaMemPrefetchAsync(const void*, size_t, cudaMemLocation, unsigned,
                                        cudaStream_t = nullptr) {
  return cudaSuccess;
}
inline cudaError_t cudaMemAdvise(const void*, size_t, cudaMemoryAdvise, cudaMemLocation) {
  return cudaSuccess;
}
inline cudaError_t cudaProfilerStart() {
  tern::emulator::program::start_profiling(true);
  return cudaSuccess;
}
inline cudaError_t cudaProfilerStop() {
  tern::emulator::program::start_profiling(false);
  return cudaSuccess;
}
// A kernel whose name stands in the call comes with its parameters' types (translate.h). Without them arguments cannot be copied.
template <typename... Parameters>
cudaError_t cudaLaunchKernel(tern::emulator::program::TypedKernel<Parameters...> kernel, dim3 grid,
                             dim3 block, void** arguments, size_t shared_bytes = 0,
                             cudaStream_t stream = nullptr, TERN_WHERE) {
  kernel.on(grid, block, shared_bytes, stream, where).with(arguments);
  return cudaPeekAtLastError();
}
template <typename F>
cudaError_t cudaLaunchKernel(F*, dim3, dim3, void**, size_t = 0, cudaStream_t = nullptr, TERN_WHERE) {
  return tern::emulator::program::refuse("cudaLaunchKernel of a kernel that is not named there",
                                         "Name it, or launch it by <<<...>>>", where);
}
// All blocks of a grid would have to run side by side.
template <typename Kernel>
cudaError_t cudaLaunchCooperativeKernel(Kernel, dim3, dim3, void**, size_t = 0, cudaStream_t = nullptr,
                                        TERN_WHERE) {
  return tern::emulator::program::refuse(
      "cudaLaunchCooperativeKernel", "Divide the kernel at its grid's barriers into one launch after another",
      where);
}

#undef TERN_WHERE
