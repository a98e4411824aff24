// Softmax and log-softmax, forward 2 R C and backward 3 R C elements.
#include "benchmarks/kernels/harness.h"
#include "kernels/softmax.h"

namespace tern::bench {
namespace {

/// log softmax of a row, in fp64.
std::vector<double> log_softmax(const std::vector<double>& x) {
  double most = -INFINITY, sum = 0;
  for (const double value : x) most = std::max(most, value);
  for (const double value : x) sum += std::exp(value - most);
  std::vector<double> y;
  for (const double value : x) y.push_back(value - most - std::log(sum));
  return y;
}

template <typename T>
void forward(Bench& bench, const RowShape& shape, bool logarithm) {
  const auto [rows, cols] = shape;
  const double bytes = 2.0 * static_cast<double>(rows * cols) * sizeof(T);
  if (!bench.begin(logarithm ? "log_softmax_forward" : "softmax_forward", shape.name(), name_of<T>(), bytes))
    return;
  const auto x = bench.random<T>(rows * cols, -4, 4), y = bench.poisoned<T>(rows * cols);
  const auto kernel = logarithm ? kernels::log_softmax_forward<T> : kernels::softmax_forward<T>;
  bench.measure(
      bytes, [&](int slot) { kernel(x[slot], y[slot], rows, cols, bench.stream()); },
      [&] {
        Difference difference;
        for (const std::int64_t r : sampled(rows)) {
          const std::vector<double> wanted = log_softmax(x.doubles(r * cols, cols)),
                                    got = y.doubles(r * cols, cols);
          for (std::size_t c = 0; c < got.size(); ++c) {
            difference.add(got[c], logarithm ? wanted[c] : std::exp(wanted[c]));
          }
        }
        return difference.relative();
      });
}

template <typename T>
void backward(Bench& bench, const RowShape& shape, bool logarithm) {
  const auto [rows, cols] = shape;
  const double bytes = 3.0 * static_cast<double>(rows * cols) * sizeof(T);
  if (!bench.begin(logarithm ? "log_softmax_backward" : "softmax_backward", shape.name(), name_of<T>(),
                   bytes))
    return;
  const double size = static_cast<double>(cols);  // y need not be a softmax, but has its size
  const auto y = logarithm ? bench.random<T>(rows * cols, static_cast<float>(-std::log(size) - 1),
                                             static_cast<float>(-std::log(size)))
                           : bench.random<T>(rows * cols, 0, static_cast<float>(2 / size));
  const auto dy = bench.random<T>(rows * cols, -1, 1), dx = bench.poisoned<T>(rows * cols);
  const auto kernel = logarithm ? kernels::log_softmax_backward<T> : kernels::softmax_backward<T>;
  bench.measure(
      bytes, [&](int slot) { kernel(y[slot], dy[slot], dx[slot], rows, cols, bench.stream()); },
      [&] {
        Difference difference;
        for (const std::int64_t r : sampled(rows)) {
          const std::vector<double> of_y = y.doubles(r * cols, cols), of_dy = dy.doubles(r * cols, cols),
                                    got = dx.doubles(r * cols, cols);
          double sum = 0;
          for (std::size_t c = 0; c < got.size(); ++c) sum += logarithm ? of_dy[c] : of_dy[c] * of_y[c];
          for (std::size_t c = 0; c < got.size(); ++c) {
            difference.add(got[c],
                           logarithm ? of_dy[c] - std::exp(of_y[c]) * sum : of_y[c] * (of_dy[c] - sum));
          }
        }
        return difference.relative();
      });
}

void bench_softmax(Bench& bench) {
  for (const bool logarithm : {false, true}) {
    for (const RowShape& shape : row_shapes(bench.full())) {
      bench.measure_rows(forward<float>, shape, logarithm);
      bench.measure_rows(forward<bfloat16>, shape, logarithm);
      bench.measure_rows(backward<float>, shape, logarithm);
      bench.measure_rows(backward<bfloat16>, shape, logarithm);
    }
  }
}
const Registration registration("softmax", bench_softmax);

}  // namespace
}  // namespace tern::bench
