// Sums over R rows of C elements: R C elements read, C floats written.
#include "benchmarks/kernels/harness.h"
#include "kernels/sum.h"

namespace tern::bench {
namespace {

template <typename T>
void measure(Bench& bench, const RowShape& shape) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
  const double bytes =
      static_cast<double>(rows * cols) * sizeof(T) + static_cast<double>(cols) * sizeof(float);
  if (!bench.begin("sum_rows", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(rows * cols, -1, 3);
  const auto sum = bench.poisoned<float>(cols);
  const auto workspace = bench.workspace(kernels::sum_rows_workspace_bytes(rows, cols));
  bench.measure(
      bytes,
      [&](int slot) { kernels::sum_rows(x[slot], sum[slot], workspace[slot], rows, cols, bench.stream()); },
      [&] {
        Difference difference;
        for (const std::int64_t c : sampled(cols))
          difference.add(sum.array({1}, c), reference::sum_rows(x.column(c, cols)));
        return difference.relative();
      });
}

void bench_sum(Bench& bench) {
  // Gradients of biases: of the heads, and of convolutions as deep and as shallow as a ResNet-50's, on 64 images of 64x64
  // pixels and on 256 of 224x224.
  for (const RowShape& shape : bench.shapes<RowShape>(
           {{64, 88}, {64, 4}, {64 * 32 * 32, 64}, {64 * 2 * 2, 2048}, {256 * 56 * 56, 256}},
           {{64, 88}, {2048, 64}})) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("sum", bench_sum);

}  // namespace
}  // namespace tern::bench
