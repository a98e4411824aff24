// GELU: forward reads and writes n elements, backward reads 2 n and writes n.
#include "benchmarks/kernels/harness.h"
#include "kernels/gelu.h"
#include "tests/reference/gelu.h"

namespace tern::bench {
namespace {

template <typename T>
void forward(Bench& bench, std::int64_t n) {
  const double bytes = 2.0 * static_cast<double>(n) * sizeof(T);
  if (!bench.begin("gelu_forward", std::to_string(n), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(n, -4, 4), y = bench.poisoned<T>(n);
  bench.measure(
      bytes, [&](int slot) { kernels::gelu_forward(x[slot], y[slot], n, bench.stream()); },
      [&] {
        Difference difference;
        for (const std::int64_t i : sampled(n)) {
          difference.add(y.doubles(i, 1)[0], reference::gelu(x.doubles(i, 1)[0]));
        }
        return difference.relative();
      });
}

template <typename T>
void backward(Bench& bench, std::int64_t n) {
  const double bytes = 3.0 * static_cast<double>(n) * sizeof(T);
  if (!bench.begin("gelu_backward", std::to_string(n), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(n, -4, 4), dy = bench.random<T>(n, -1, 1), dx = bench.poisoned<T>(n);
  bench.measure(
      bytes, [&](int slot) { kernels::gelu_backward(x[slot], dy[slot], dx[slot], n, bench.stream()); },
      [&] {
        Difference difference;
        for (const std::int64_t i : sampled(n)) {
          const double derivative = reference::gelu_derivative(x.doubles(i, 1)[0]);
          difference.add(dx.doubles(i, 1)[0], dy.doubles(i, 1)[0] * derivative);
        }
        return difference.relative();
      });
}

void bench_gelu(Bench& bench) {
  for (const std::int64_t n : bench.shapes<std::int64_t>({1 << 27, 1 << 20}, /*small=*/{1 << 14})) {
    bench.measure_rows(forward<float>, n);
    bench.measure_rows(forward<bfloat16>, n);
    bench.measure_rows(backward<float>, n);
    bench.measure_rows(backward<bfloat16>, n);
  }
}
const Registration registration("gelu", bench_gelu);

}  // namespace
}  // namespace tern::bench
