// What host code and kernels both may include: the one place that asks which compiler is at work.
//
// A kernel is a .cu file. nvcc compiles it for a GPU; the host's compiler compiles the same file for the
// emulator (kernels/common/emulator), which stands in for CUDA's built-in variables and functions.
//
// Strangers' programs are compiled for the emulator as if by nvcc (TERN_EMULATED).
#pragma once

#if defined(__CUDACC__) && !defined(TERN_EMULATED)
#define TERN_NVCC
#endif

#if defined(TERN_NVCC)
#define TERN_HOST_DEVICE __host__ __device__
#else
#define TERN_HOST_DEVICE
#endif

// Before a loop over an array that must stay in registers, which cannot be indexed by a variable.
#if defined(TERN_NVCC)
#define TERN_UNROLL _Pragma("unroll")
#else
#define TERN_UNROLL
#endif
