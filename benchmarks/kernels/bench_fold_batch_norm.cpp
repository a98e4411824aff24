// A batch normalisation folded into the K I weights of the convolution before it: K I floats and four floats a channel
// read, K I elements and a float a channel written.
#include "benchmarks/kernels/harness.h"
#include "kernels/fold_batch_norm.h"

namespace tern::bench {
namespace {

constexpr float kEpsilon = 1e-5f;

template <typename T>
void measure(Bench& bench, const RowShape& shape) {
  const std::int64_t channels = shape.rows, inner = shape.cols;
  const double bytes = static_cast<double>(channels * inner) * (sizeof(float) + sizeof(T)) +
                       static_cast<double>(channels) * 5 * sizeof(float);
  if (!bench.begin("fold_batch_norm", shape.name(), name_of<T>(), bytes)) return;
  const auto w = bench.random<float>(channels * inner, -1, 1);
  const auto gamma = bench.random<float>(channels, 0.5f, 1.5f), beta = bench.random<float>(channels, -1, 1),
             mean = bench.random<float>(channels, -1, 1),
             variance = bench.random<float>(channels, 0.5f, 1.5f);
  const auto folded = bench.poisoned<T>(channels * inner);
  const auto bias = bench.poisoned<float>(channels);
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::fold_batch_norm(w[slot], gamma[slot], beta[slot], mean[slot], variance[slot], kEpsilon,
                                 folded[slot], bias[slot], channels, inner, bench.stream());
      },
      [&] {
        Difference of_weights, of_bias;
        for (const std::int64_t k : sampled(channels)) {
          const reference::FoldedBatchNorm wanted =
              reference::fold_batch_norm(w.array({1, inner}, k), gamma.array({1}, k), beta.array({1}, k),
                                         mean.array({1}, k), variance.array({1}, k), kEpsilon);
          of_weights.add(folded.array({1, inner}, k), wanted.w);
          of_bias.add(bias.array({1}, k), wanted.bias);
        }
        return worst({of_weights, of_bias});
      });
}

void bench_fold_batch_norm(Bench& bench) {
  // Convolutions of a ResNet-50: its stem, 7x7 on 3 channels, and 3x3 and 1x1 of its last stage.
  for (const RowShape& shape : bench.shapes<RowShape>({{64, 7 * 7 * 3}, {512, 3 * 3 * 512}, {2048, 512}},
                                                      {{64, 7 * 7 * 3}, {64, 512}})) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("fold_batch_norm", bench_fold_batch_norm);

}  // namespace
}  // namespace tern::bench
