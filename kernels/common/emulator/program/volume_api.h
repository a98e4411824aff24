// CUDA's pitched memory of three dimensions: rows of slices.
#pragma once

#include "kernels/common/emulator/program/runtime_api.h"

namespace tern::emulator::program {

cudaError_t copy_volume(const cudaMemcpy3DParms& of, TernPlace where);

}  // namespace tern::emulator::program

#define TERN_WHERE TernPlace where = TernPlace::current()

inline cudaExtent make_cudaExtent(size_t width, size_t height, size_t depth) {
  return {width, height, depth};
}
inline cudaPos make_cudaPos(size_t x, size_t y, size_t z) {
  return {x, y, z};
}
inline cudaPitchedPtr make_cudaPitchedPtr(void* memory, size_t pitch, size_t width, size_t height) {
  return {memory, pitch, width, height};
}

inline cudaError_t cudaMalloc3D(cudaPitchedPtr* memory, cudaExtent extent, TERN_WHERE) {
  using namespace tern::emulator::program;
  const size_t pitch = (extent.width + 511) / 512 * 512;
  *memory = {nullptr, pitch, extent.width, extent.height};
  return allocate(&memory->ptr, pitch * extent.height * extent.depth, MemoryKind::device, "cudaMalloc3D",
                  where);
}

inline cudaError_t cudaMemset3D(cudaPitchedPtr memory, int value, cudaExtent extent, TERN_WHERE) {
  using namespace tern::emulator::program;
  for (size_t z = 0; z < extent.depth; ++z) {
    char* const slice = static_cast<char*>(memory.ptr) + z * memory.pitch * memory.ysize;
    const cudaError_t error =
        fill(slice, value, {extent.width, extent.height, memory.pitch, memory.pitch}, "cudaMemset3D", where);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

inline cudaError_t cudaMemcpy3D(const cudaMemcpy3DParms* of, TERN_WHERE) {
  return tern::emulator::program::copy_volume(*of, where);
}
inline cudaError_t cudaMemcpy3DAsync(const cudaMemcpy3DParms* of, cudaStream_t = nullptr, TERN_WHERE) {
  return cudaMemcpy3D(of, where);
}

#undef TERN_WHERE
