// Softmax and log-softmax, forward 2 R C and backward 3 R C elements.
#include "benchmarks/kernels/harness.h"
#include "kernels/softmax.h"

namespace tern::bench {
namespace {

template <typename T>
void forward(Bench& bench, const RowShape& shape, bool logarithm) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
  const double bytes = 2.0 * static_cast<double>(rows * cols) * sizeof(T);
  if (!bench.begin(logarithm ? "log_softmax_forward" : "softmax_forward", shape.name(), name_of<T>(), bytes))
    return;
  const auto x = bench.random<T>(rows * cols, -4, 4), y = bench.poisoned<T>(rows * cols);
  const auto kernel = logarithm ? kernels::log_softmax_forward<T> : kernels::softmax_forward<T>;
  bench.measure(
      bytes, [&](int slot) { kernel(x[slot], y[slot], rows, cols, bench.stream()); },
      [&] {
        Difference difference;
        const std::vector<std::int64_t> some = sampled(rows);
        const reference::Array of_x = x.rows(some, cols);
        difference.add(y.rows(some, cols),
                       logarithm ? reference::log_softmax(of_x) : reference::softmax(of_x));
        return difference.relative();
      });
}

template <typename T>
void backward(Bench& bench, const RowShape& shape, bool logarithm) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
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
        const std::vector<std::int64_t> some = sampled(rows);
        const reference::Array of_y = y.rows(some, cols), of_dy = dy.rows(some, cols);
        difference.add(dx.rows(some, cols), logarithm ? reference::log_softmax_backward(of_y, of_dy)
                                                      : reference::softmax_backward(of_y, of_dy));
        return difference.relative();
      });
}

void bench_softmax(Bench& bench) {
  for (const bool logarithm : {false, true}) {
    for (const RowShape& shape : bench.row_shapes()) {
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
