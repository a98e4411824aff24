#include "engine/backend/cuda/cublas_library.h"

#include <string>

#include "engine/backend/cuda/dynamic_library.h"
#include "engine/core/check.h"

namespace tern {
namespace {

CublasLibrary load() {
  const std::string major = std::to_string(CUBLAS_VER_MAJOR);
  const DynamicLibrary library({"cuBLAS", "libcublas.so." + major, "TERN_CUBLAS",
                                CUBLAS_VER_MAJOR >= 13 ? "nvidia/cu" + major + "/lib" : "nvidia/cublas/lib",
                                "install the CUDA " + major + " toolkit's libcublas"});
  CublasLibrary functions{};
  library.find("cublasCreate_v2", functions.create);
  library.find("cublasSetStream_v2", functions.set_stream);
  library.find("cublasSetWorkspace_v2", functions.set_workspace);
  library.find("cublasGetVersion_v2", functions.get_version);
  library.find("cublasGetStatusString", functions.get_status_string);
  library.find("cublasGemmEx_64", functions.gemm);
  return functions;
}

}  // namespace

const CublasLibrary& cublas() {
  static const CublasLibrary library = load();  // tried again where it throws
  return library;
}

void check_cublas(cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  std::string advice;
  if (status == CUBLAS_STATUS_NOT_INITIALIZED || status == CUBLAS_STATUS_ALLOC_FAILED) {
    advice = "; the GPU may have no memory left: lower batch_size, or end other programs on it";
  } else if (status == CUBLAS_STATUS_ARCH_MISMATCH) {
    advice = "; this cuBLAS does not know this kind of GPU";
  }
  throw Error("cuBLAS", std::string(call) + " failed: " + cublas().get_status_string(status) + advice);
}

}  // namespace tern
