// Matrices turned over: every element read and written.
#include "benchmarks/kernels/harness.h"
#include "kernels/transpose.h"

namespace tern::bench {
namespace {

struct Shape {
  std::int64_t count, rows, cols;
  std::string name() const {
    return std::to_string(count) + "x" + std::to_string(rows) + "x" + std::to_string(cols);
  }
};

template <typename T>
void measure(Bench& bench, const Shape& shape) {
  const std::int64_t count = shape.count, rows = shape.rows, cols = shape.cols;
  const double bytes = 2.0 * static_cast<double>(count * rows * cols) * sizeof(T);
  if (!bench.begin("transpose", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(count * rows * cols, -1, 1), y = bench.poisoned<T>(count * rows * cols);
  bench.measure(
      bytes, [&](int slot) { kernels::transpose(x[slot], y[slot], count, rows, cols, bench.stream()); },
      [&] {
        Difference difference;
        for (const std::int64_t i : sampled(count)) {
          const reference::Array wanted = reference::transpose(x.array({1, rows, cols}, i));
          difference.add(y.array({1, cols, rows}, i), wanted);
        }
        return difference.relative();
      });
}

void bench_transpose(Bench& bench) {
  // What differs between a file's layout and memory's: images of 3 channels, and the weights of 3x3 and 1x1 convolutions
  // of a ResNet-50's last stage; and features of 1024 channels, channels first.
  for (const Shape& shape :
       bench.shapes<Shape>({{64, 3, 64 * 64}, {512, 512, 9}, {1, 2048, 512}, {64, 1024, 16 * 16}},
                           {{2, 3, 32 * 32}, {4, 64, 9}, {1, 256, 128}})) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("transpose", bench_transpose);

}  // namespace
}  // namespace tern::bench
