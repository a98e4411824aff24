#include "engine/ops/sum.h"

#include <algorithm>

#include "engine/backend/dispatch.h"
#include "engine/core/parallel.h"
#include "kernels/sum.h"

namespace tern {
namespace {

// In double, within blocks of rows that go to the cores, then over the blocks.
template <typename T>
void sum_rows_cpu(const Tensor& x, Tensor& sum, std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t kMinBlockRows = 64, kMaxBlocks = 32;
  const std::int64_t blocks = std::clamp<std::int64_t>(rows / kMinBlockRows, 1, kMaxBlocks);
  const T* in = x.data<T>();
  float* out = sum.data<float>();
  Tensor scratch = Tensor::empty({blocks, columns}, DType::f64);
  double* partial = scratch.data<double>();
  const std::int64_t grain =
      std::max<std::int64_t>(kElementwiseGrain / std::max<std::int64_t>(x.numel() / blocks, 1), 1);
  parallel_for(blocks, grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      double* total = partial + block * columns;
      std::fill_n(total, columns, 0.0);
      for (std::int64_t r = rows * block / blocks; r < rows * (block + 1) / blocks; ++r) {
        const T* values = in + r * columns;
#pragma omp simd
        for (std::int64_t c = 0; c < columns; ++c) total[c] += double{load(values[c])};
      }
    }
  });
  for (std::int64_t block = 1; block < blocks; ++block) {
    const double* other = partial + block * columns;
#pragma omp simd
    for (std::int64_t c = 0; c < columns; ++c) partial[c] += other[c];
  }
  for (std::int64_t c = 0; c < columns; ++c) out[c] = static_cast<float>(partial[c]);
}

}  // namespace

void sum_rows(const Tensor& x, Tensor& sum) {
  const std::int64_t columns = sum.numel();
  if (columns == 0) return;
  const std::int64_t rows = x.numel() / columns;
  dispatch(
      x, [&] { with_type(x, [&]<typename T>() { sum_rows_cpu<T>(x, sum, rows, columns); }); },
      [&](auto& device) {
        void* const memory =
            device.workspace("sum_rows", rows, columns, kernels::sum_rows_workspace_bytes(rows, columns));
        with_type(x, [&]<typename T>() {
          kernels::sum_rows(x.data<T>(), sum.data<float>(), memory, rows, columns, device.stream());
        });
      });
}

}  // namespace tern
