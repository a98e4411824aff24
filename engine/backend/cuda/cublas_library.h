// cuBLAS: the few functions of it that tern calls.
#pragma once

#include <cublas_v2.h>

namespace tern {

struct CublasLibrary {
  decltype(cublasCreate_v2)* create;
  decltype(cublasSetStream_v2)* set_stream;
  decltype(cublasSetWorkspace_v2)* set_workspace;
  decltype(cublasGetVersion_v2)* get_version;
  decltype(cublasGetStatusString)* get_status_string;
  decltype(cublasGemmEx_64)* gemm;
};

/// Loaded on first use. Throws Error{"cuBLAS", ...} if there is none.
const CublasLibrary& cublas();

/// Throws Error{"cuBLAS", "<call> failed: <reason>"} unless status is success.
void check_cublas(cublasStatus_t status, const char* call);

}  // namespace tern
