// The answer of each row of logits: R C elements read, 12 bytes per row written.
#include "benchmarks/kernels/harness.h"
#include "kernels/top1.h"

namespace tern::bench {
namespace {

constexpr float kThreshold = 0.5f;
constexpr std::int32_t kNovel = -7;

template <typename T>
void measure(Bench& bench, const RowShape& shape) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
  const double bytes = static_cast<double>(rows) * (static_cast<double>(cols) * sizeof(T) + 12);
  if (!bench.begin("top1", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(rows * cols, -8, 8);
  const auto best = bench.poisoned<std::int32_t>(rows), answer = bench.poisoned<std::int32_t>(rows);
  const auto probability = bench.poisoned<float>(rows);
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::top1(x[slot], kThreshold, kNovel, best[slot], probability[slot], answer[slot], rows, cols,
                      bench.stream());
      },
      [&] {
        Difference of_probability, of_index;
        const std::vector<std::int64_t> some = sampled(rows);
        const reference::Top1 wanted = reference::top1(x.rows(some, cols));
        of_probability.add(probability.rows(some, 1), wanted.probability);
        for (std::size_t i = 0; i < some.size(); ++i) {
          of_index.add(best.values(some[i], 1)[0], wanted.best[i]);
          const bool is_known = probability.values(some[i], 1)[0] >= kThreshold;
          of_index.add(answer.values(some[i], 1)[0], is_known ? wanted.best[i] : kNovel);
        }
        return worst({of_probability, of_index});
      });
}

void bench_top1(Bench& bench) {
  for (const RowShape& shape : bench.row_shapes()) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("top1", bench_top1);

}  // namespace
}  // namespace tern::bench
