// Rows divided by their norms: forward 2 R C elements and R floats, backward 3 R C elements and R floats.
#include "benchmarks/kernels/harness.h"
#include "kernels/l2_normalize.h"

namespace tern::bench {
namespace {

constexpr float kEpsilon = 1e-12f;

double ideal_bytes(const RowShape& shape, int matrices, std::size_t element) {
  return static_cast<double>(shape.rows) *
         (matrices * static_cast<double>(shape.cols) * static_cast<double>(element) + sizeof(float));
}

template <typename T>
void forward(Bench& bench, const RowShape& shape) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
  const double bytes = ideal_bytes(shape, 2, sizeof(T));
  if (!bench.begin("l2_normalize_forward", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(rows * cols, -1, 2), y = bench.poisoned<T>(rows * cols);
  const auto inverse = bench.poisoned<float>(rows);
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::l2_normalize_forward(x[slot], kEpsilon, y[slot], inverse[slot], rows, cols, bench.stream());
      },
      [&] {
        Difference of_y, of_inverse;
        const std::vector<std::int64_t> some = sampled(rows);
        const reference::Array of_x = x.rows(some, cols);
        of_y.add(y.rows(some, cols), reference::l2_normalize(of_x, kEpsilon));
        of_inverse.add(inverse.rows(some, 1), reference::inverse_norm(of_x, kEpsilon));
        return worst({of_y, of_inverse});
      });
}

template <typename T>
void backward(Bench& bench, const RowShape& shape) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
  const double bytes = ideal_bytes(shape, 3, sizeof(T));
  if (!bench.begin("l2_normalize_backward", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(rows * cols, -1, 2), y = bench.poisoned<T>(rows * cols),
             dy = bench.random<T>(rows * cols, -1, 1), dx = bench.poisoned<T>(rows * cols);
  const auto inverse = bench.poisoned<float>(rows);
  for (int slot = 0; slot < bench.slots(); ++slot) {
    kernels::l2_normalize_forward(x[slot], kEpsilon, y[slot], inverse[slot], rows, cols, bench.stream());
  }
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::l2_normalize_backward(y[slot], inverse[slot], dy[slot], dx[slot], rows, cols,
                                       bench.stream());
      },
      [&] {
        Difference difference;
        const std::vector<std::int64_t> some = sampled(rows);
        difference.add(dx.rows(some, cols),
                       reference::l2_normalize_backward(y.rows(some, cols), inverse.rows(some, 1), kEpsilon,
                                                        dy.rows(some, cols)));
        return difference.relative();
      });
}

void bench_l2_normalize(Bench& bench) {
  // Features of a batch: a ResNet-18's, a ResNet-50's, and many of these.
  for (const RowShape& shape :
       bench.shapes<RowShape>({{64, 512}, {64, 2048}, {16384, 512}, {65536, 2048}}, {{16, 512}, {8, 2048}})) {
    bench.measure_rows(forward<float>, shape);
    bench.measure_rows(backward<float>, shape);
    bench.measure_rows(forward<bfloat16>, shape);
    bench.measure_rows(backward<bfloat16>, shape);
  }
}
const Registration registration("l2_normalize", bench_l2_normalize);

}  // namespace
}  // namespace tern::bench
