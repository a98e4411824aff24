// c = op(a) op(b) by cuBLAS, of f32; in TF32 on tensor cores where that is allowed.
//
// cuBLAS's matrices are column-major: what is row-major c [rows, cols] here is its c^T [cols, rows], so it is
// asked for c^T = op(b)^T op(a)^T, and reads each operand as it lies.
#include "engine/backend/cuda/cublas_library.h"
#include "engine/backend/cuda/cuda_backend.h"

namespace tern {

void CudaBackend::matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& c) {
  if (c.numel() == 0) return;
  const std::int64_t rows = c.size(0), cols = c.size(1), inner = a.size(options.transpose_a ? 0 : 1);
  if (inner == 0) return zero_bytes(c.raw(), device(), c.bytes());  // an empty sum
  cuda_.make_current();
  const float one = 1, zero = 0;
  check_cublas(
      cublas().gemm(cublas_, options.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                    options.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, cols, rows, inner, &one, b.data<float>(),
                    CUDA_R_32F, b.size(1), a.data<float>(), CUDA_R_32F, a.size(1), &zero, c.data<float>(),
                    CUDA_R_32F, cols, options.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                    CUBLAS_GEMM_DEFAULT),
      "cublasGemmEx");
}

}  // namespace tern
