// What nvcc includes before every source, for translated programs (translate.h): CUDA's language and its runtime API.
#ifndef TERN_CUDA_RUNTIME_H
#define TERN_CUDA_RUNTIME_H

#include <assert.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels/common/emulator/emulator.h"

#define __constant__
#define __managed__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define CUDART_VERSION 13000
// As nvcc: what a source leaves to other compilers is not for here. Who must know tells by TERN_EMULATED.
#define TERN_EMULATED
#define __CUDACC__
#define __NVCC__
#define CUDART_INF_F __builtin_huge_valf()
#define CUDART_INF __builtin_huge_val()
#define CUDART_NAN_F __builtin_nanf("")
#define CUDART_PI_F 3.141592654f
#define CUDART_CB
// By these, headers see that CUDA's were included.
#define __CUDA_RUNTIME_H__
#define __CUDA_RUNTIME_API_H__
#define __DRIVER_TYPES_H__

inline constexpr int warpSize = 32;

#include "kernels/common/emulator/program/atomics.h"
#include "kernels/common/emulator/program/copies.h"
#include "kernels/common/emulator/program/intrinsics.h"
#include "kernels/common/emulator/program/launch.h"
#include "kernels/common/emulator/program/runtime_api.h"
#include "kernels/common/emulator/program/texture_api.h"
#include "kernels/common/emulator/program/variables.h"
#include "kernels/common/emulator/program/vector_types.h"
#include "kernels/common/emulator/program/volume_api.h"
#include "kernels/common/emulator/program/warp.h"

/// Ends the launch with an error.
[[noreturn]] void __trap(TernPlace where = TernPlace::current());

#endif
