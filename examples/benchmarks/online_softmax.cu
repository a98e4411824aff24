// A softmax of one's own, measured beside tern's and PyTorch's: docs/benchmarks.md. A warp a row, whose largest value and sum are
// found in one pass; the row is read twice.
#include "benchmarks/kernels/harness.h"

namespace {

using namespace tern::bench;

/// Of values of which none has come, `most` is -infinity and `sum` 0.
__device__ void join(float& most, float& sum, float other_most, float other_sum) {
  const float larger = fmaxf(most, other_most);
  if (larger == -INFINITY) return;
  sum = sum * expf(most - larger) + other_sum * expf(other_most - larger);
  most = larger;
}

template <typename T>
__global__ void online_softmax(const T* x, T* y, std::int64_t rows, std::int64_t cols) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (row >= rows) return;
  x += row * cols;
  y += row * cols;
  float most = -INFINITY, sum = 0;
  for (std::int64_t i = threadIdx.x; i < cols; i += 32) join(most, sum, static_cast<float>(x[i]), 1);
  for (int distance = 16; distance > 0; distance /= 2) {
    const float other_most = __shfl_xor_sync(0xffffffff, most, distance);
    const float other_sum = __shfl_xor_sync(0xffffffff, sum, distance);
    join(most, sum, other_most, other_sum);
  }
  for (std::int64_t i = threadIdx.x; i < cols; i += 32) y[i] = T(expf(static_cast<float>(x[i]) - most) / sum);
}

template <typename T>
void measure(Bench& bench, const RowShape& shape) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
  const double bytes = 2.0 * static_cast<double>(rows * cols) * sizeof(T);  // x is read, y is written
  if (!bench.begin("softmax_forward", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(rows * cols, -4, 4), y = bench.poisoned<T>(rows * cols);
  bench.measure(
      bytes,
      [&](int slot) {
        const auto blocks = static_cast<unsigned>((rows + 7) / 8);
        online_softmax<T><<<blocks, dim3(32, 8), 0, bench.stream()>>>(x[slot], y[slot], rows, cols);
      },
      [&] {
        Difference difference;
        const std::vector<std::int64_t> some = sampled(rows);
        difference.add(y.rows(some, cols), tern::reference::softmax(x.rows(some, cols)));
        return difference.relative();
      });
}

void measure_all(Bench& bench) {
  for (const RowShape& shape : bench.row_shapes()) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<tern::bfloat16>, shape);
  }
}
const Registration registration("softmax", "online_softmax", measure_all);

}  // namespace
