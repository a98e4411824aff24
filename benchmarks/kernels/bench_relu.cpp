// ReLU of n elements: forward 2 n, backward 3 n.
#include "benchmarks/kernels/harness.h"
#include "kernels/relu.h"

namespace tern::bench {
namespace {

template <typename T>
void measure(Bench& bench, const ImageShape& shape, bool backward) {
  const std::int64_t count = shape.all();
  const double bytes = (backward ? 3.0 : 2.0) * static_cast<double>(count) * sizeof(T);
  if (!bench.begin(backward ? "relu_backward" : "relu_forward", shape.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(count, -1, 1), y = bench.poisoned<T>(count);  // backward: y and dx
  const auto dy = bench.random<T>(backward ? count : 0, -1, 1);
  bench.measure(
      bytes,
      [&](int slot) {
        if (backward)
          kernels::relu_backward(x[slot], dy[slot], y[slot], count, bench.stream());
        else
          kernels::relu_forward(x[slot], y[slot], count, bench.stream());
      },
      [&] {
        Difference difference;
        for (const std::int64_t image : {std::int64_t{0}, shape.count - 1}) {
          const reference::Array of_x = x.array(shape.of_one(), image);
          difference.add(y.array(shape.of_one(), image),
                         backward ? reference::relu_backward(of_x, dy.array(shape.of_one(), image))
                                  : reference::relu(of_x));
        }
        return difference.relative();
      });
}

void bench_relu(Bench& bench) {
  // Behind a convolution with a batch normalisation folded into it: a ResNet's stem, 64 images of 64x64 pixels and 256 of
  // 224x224; and its last stage's.
  for (const ImageShape& shape : bench.shapes<ImageShape>(
           {{64, 32, 32, 64}, {256, 112, 112, 64}, {64, 2, 2, 2048}}, {{2, 16, 16, 64}})) {
    for (const bool backward : {false, true}) {
      bench.measure_rows(measure<float>, shape, backward);
      bench.measure_rows(measure<bfloat16>, shape, backward);
    }
  }
}
const Registration registration("relu", bench_relu);

}  // namespace
}  // namespace tern::bench
