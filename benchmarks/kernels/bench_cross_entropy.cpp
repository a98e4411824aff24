// Cross-entropy with its gradient: 2 R C elements.
#include "benchmarks/kernels/harness.h"
#include "kernels/cross_entropy.h"

namespace tern::bench {
namespace {

constexpr std::int64_t kMostForLoss = 1 << 22;  // elements up to which every row, and so the loss, is checked

/// The sum of exp(x): logits are small here, so nothing need be subtracted.
double exponentials(const double* x, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i) sum += std::exp(x[i]);
  return sum;
}

template <typename T>
void measure(Bench& bench, const RowShape& shape) {
  const auto [rows, cols] = shape;
  const double bytes = 2.0 * static_cast<double>(rows * cols) * sizeof(T);
  if (!bench.begin("cross_entropy", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(rows * cols, -4, 4), dx = bench.poisoned<T>(rows * cols);
  const auto targets = bench.random<std::int32_t>(rows, 0, static_cast<float>(cols));
  const auto loss = bench.poisoned<float>(1);
  const auto workspace = bench.workspace(kernels::cross_entropy_workspace_bytes(rows));
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::cross_entropy(x[slot], targets[slot], 0.0f, -1, loss[slot], dx[slot], workspace[slot], rows,
                               cols, bench.stream());
      },
      [&] {
        Difference gradient, mean;
        const std::vector<std::int32_t> target = targets.values();
        const std::int64_t checked = rows * cols <= kMostForLoss ? rows : 0;
        const std::vector<double> all = x.doubles(0, checked * cols);
        double sum = 0;
        for (std::int64_t r = 0; r < checked; ++r) {
          const double* const row = all.data() + r * cols;
          sum += std::log(exponentials(row, cols)) - row[target[static_cast<std::size_t>(r)]];
        }
        if (checked > 0) mean.add(loss.doubles()[0], sum / static_cast<double>(rows));
        for (const std::int64_t r : sampled(rows)) {
          const std::vector<double> row = x.doubles(r * cols, cols), got = dx.doubles(r * cols, cols);
          const double whole = exponentials(row.data(), cols);
          for (std::int64_t c = 0; c < cols; ++c) {
            const double p = std::exp(row[static_cast<std::size_t>(c)]) / whole;
            const double hit = c == target[static_cast<std::size_t>(r)] ? 1 : 0;
            gradient.add(got[static_cast<std::size_t>(c)], (p - hit) / static_cast<double>(rows));
          }
        }
        return worst({gradient, mean});
      });
}

void bench_cross_entropy(Bench& bench) {
  for (const RowShape& shape : row_shapes(bench.full())) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("cross_entropy", bench_cross_entropy);

}  // namespace
}  // namespace tern::bench
