// A bias added in place: 2 R C elements, and C floats.
#include "benchmarks/kernels/harness.h"
#include "kernels/bias.h"

namespace tern::bench {
namespace {

template <typename T>
void measure(Bench& bench, const RowShape& shape) {
  const std::int64_t rows = shape.rows, cols = shape.cols;
  const double bytes =
      2.0 * static_cast<double>(rows * cols) * sizeof(T) + static_cast<double>(cols) * sizeof(float);
  if (!bench.begin("add_bias", shape.name(), name_of<T>(), bytes)) return;
  const auto y = bench.random<T>(rows * cols, -1, 1);
  const auto bias = bench.random<float>(cols, -1, 1);
  const std::vector<std::int64_t> some = sampled(rows);
  const reference::Array before = y.rows(some, cols);
  bench.measure(
      bytes, [&](int slot) { kernels::add_bias(bias[slot], y[slot], rows, cols, bench.stream()); },
      [&] {
        Difference difference;
        difference.add(y.rows(some, cols), reference::add_bias(before, bias.array({cols})));
        return difference.relative();
      });
}

void bench_bias(Bench& bench) {
  // Convolutions with a batch normalisation folded into them, in a ResNet-50 on 64 images of 64x64 pixels and on 256 of
  // 224x224: stem and last stage; and a head.
  for (const RowShape& shape : bench.shapes<RowShape>(
           {{64 * 32 * 32, 64}, {64 * 2 * 2, 2048}, {256 * 112 * 112, 64}, {256 * 7 * 7, 2048}, {64, 88}},
           {{1024, 64}, {64, 88}})) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("bias", bench_bias);

}  // namespace
}  // namespace tern::bench
