// Cross-entropy with its gradient: 2 R C elements.
#include "benchmarks/kernels/harness.h"
#include "kernels/cross_entropy.h"

namespace tern::bench {
namespace {

constexpr std::int64_t kMaxForLoss = 1 << 22;  // elements up to which every row, and so the loss, is checked

template <typename T>
void measure(Bench& bench, const RowShape& shape) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
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
        const std::vector<std::int32_t> classes = targets.values();
        if (rows * cols <= kMaxForLoss)
          mean.add(loss.array({1}), reference::cross_entropy(x.array({rows, cols}), classes, 0, -1));
        const std::vector<std::int64_t> some = sampled(rows);
        std::vector<std::int32_t> some_classes;
        for (const std::int64_t r : some) some_classes.push_back(classes[static_cast<std::size_t>(r)]);
        reference::Array wanted = reference::cross_entropy_gradient(x.rows(some, cols), some_classes, 0, -1);
        for (double& value : wanted.values)  // a mean of all rows, not of some
          value *= static_cast<double>(some.size()) / static_cast<double>(rows);
        gradient.add(dx.rows(some, cols), wanted);
        return worst({gradient, mean});
      });
}

void bench_cross_entropy(Bench& bench) {
  for (const RowShape& shape : bench.row_shapes()) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("cross_entropy", bench_cross_entropy);

}  // namespace
}  // namespace tern::bench
