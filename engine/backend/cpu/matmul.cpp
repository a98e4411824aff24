// c = op(a) op(b) by oneDNN's sgemm, which is row-major like tern's tensors and always exact.
#include <oneapi/dnnl/dnnl.h>

#include <algorithm>
#include <string>

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/core/check.h"

namespace tern {

void CpuBackend::matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& c) {
  const std::int64_t rows = c.size(0), columns = c.size(1);
  const std::int64_t inner = a.size(options.transpose_a ? 0 : 1);
  if (rows == 0 || columns == 0) return;
  if (inner == 0) {  // an empty sum; sgemm would refuse the extent
    std::fill_n(c.data<float>(), c.numel(), 0.0f);
    return;
  }
  const dnnl_status_t status =
      dnnl_sgemm(options.transpose_a ? 'T' : 'N', options.transpose_b ? 'T' : 'N', rows, columns, inner, 1.0f,
                 a.data<float>(), a.size(1), b.data<float>(), b.size(1), 0.0f, c.data<float>(), columns);
  if (status != dnnl_success) {
    throw Error("matmul", "oneDNN's sgemm failed with status " + std::to_string(static_cast<int>(status)) +
                              " on " + a.shape().text() + " and " + b.shape().text());
  }
}

}  // namespace tern
