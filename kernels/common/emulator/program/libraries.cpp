#include "kernels/common/emulator/program/libraries.h"

namespace tern::emulator {
namespace {

constexpr const char* kOwnKernels =
    "Write the kernel: examples/cuda has a sum, a prefix sum and a histogram. Or keep its calls within "
    "#ifndef TERN_EMULATED, which is defined here alone";
constexpr const char* kProducts =
    "Write the product as a kernel: examples/cuda/matmul.cu is one. Or keep its calls within #ifndef "
    "TERN_EMULATED, which is defined here alone";
constexpr const char* kForNvcc = "Keep its calls within #ifndef TERN_EMULATED, which is defined here alone";

struct Library {
  std::string_view begin;  ///< of its headers' names
  const char* instead;
};

constexpr Library kLibraries[] = {
    {"thrust/", kOwnKernels},
    {"cub/", kOwnKernels},
    {"cuda/std/", "Take the language's own arrays, structs and functions in kernels"},
    {"cuda/", "Take atomicAdd and its like, __syncthreads and plain copies to shared memory in kernels"},
    {"cublas", kProducts},
    {"cute/", kProducts},
    {"cutlass/", kProducts},
    {"curand.h", "Take <curand_kernel.h> in kernels, or the host's <random>"},
    {"nccl.h", "There is one device here: leave out what goes between several"},
    {"nvrtc", "Compile the kernel with the program: write it in the source"},
    {"nvToolsExt.h", "Leave out what it marks: nothing is timed here"},
    {"nvtx3/", "Leave out what it marks: nothing is timed here"},
    {"cuda_gl_interop.h", "Write the pixels to a file instead of to OpenGL"},
    {"GL/", "Write the pixels to a file instead of to OpenGL"},
    {"cudnn", kForNvcc},
    {"cufft", kForNvcc},
    {"cusolver", kForNvcc},
    {"cusparse", kForNvcc},
    {"cutensor", kForNvcc},
    {"npp", kForNvcc}};

}  // namespace

const char* instead_of_library(std::string_view header) {
  for (const Library& library : kLibraries) {
    if (header.substr(0, library.begin.size()) == library.begin) return library.instead;
  }
  return nullptr;
}

}  // namespace tern::emulator
