#include <type_traits>

#include "benchmarks/kernels/device.h"
#include "benchmarks/kernels/products.h"
#include "engine/backend/cuda/cublas_library.h"
#include "kernels/common/bfloat16.h"

namespace tern::bench {
namespace {

constexpr std::size_t kWorkspace = 32 << 20;

}  // namespace

struct Products::Library {
  cublasHandle_t handle = nullptr;  // until the program ends
  std::shared_ptr<void> workspace = allocate(kWorkspace);
};

Products::Products(Stream stream) {
  const auto library = std::make_shared<Library>();
  check_cublas(cublas().create(&library->handle), "cublasCreate");
  check_cublas(cublas().set_stream(library->handle, stream), "cublasSetStream");
  check_cublas(cublas().set_workspace(library->handle, library->workspace.get(), kWorkspace),
               "cublasSetWorkspace");
  library_ = library;
}

// cuBLAS is column-major: the transposes of all three, in the other order.
template <typename T>
void Products::operator()(const T* a, bool transpose_a, const T* b, bool transpose_b, T* c, std::int64_t rows,
                          std::int64_t inner, std::int64_t cols) const {
  constexpr cudaDataType_t kType = std::is_same_v<T, bfloat16> ? CUDA_R_16BF : CUDA_R_32F;
  const float one = 1, zero = 0;
  check_cublas(cublas().gemm(library_->handle, transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                             transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, cols, rows, inner, &one, b, kType,
                             transpose_b ? inner : cols, a, kType, transpose_a ? rows : inner, &zero, c,
                             kType, cols, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT),
               "cublasGemmEx");
}
template void Products::operator()(const float*, bool, const float*, bool, float*, std::int64_t, std::int64_t,
                                   std::int64_t) const;
template void Products::operator()(const bfloat16*, bool, const bfloat16*, bool, bfloat16*, std::int64_t,
                                   std::int64_t, std::int64_t) const;

}  // namespace tern::bench
