// Max pooling 3x3, stride 2, padding 1: input, output and a byte of index.
#include "benchmarks/kernels/harness.h"
#include "kernels/max_pool.h"

namespace tern::bench {
namespace {

constexpr int kKernel = 3, kStride = 2, kPadding = 1;

ImageShape pooled(const ImageShape& in) {
  const auto extent = [](std::int64_t of) { return (of + 2 * kPadding - kKernel) / kStride + 1; };
  return {in.count, extent(in.height), extent(in.width), in.channels};
}
kernels::PoolShape pool_shape(const ImageShape& in) {
  const ImageShape out = pooled(in);
  return {in.count, in.height, in.width, in.channels, out.height, out.width, kKernel, kStride, kPadding};
}

template <typename T>
void forward(Bench& bench, const ImageShape& in) {
  const ImageShape out = pooled(in);
  const double bytes =
      static_cast<double>(in.all()) * sizeof(T) + static_cast<double>(out.all()) * (sizeof(T) + 1);
  if (!bench.begin("max_pool_forward", in.name(), name_of<T>(), bytes)) return;
  const auto x = bench.random<T>(in.all(), -4, 4), y = bench.poisoned<T>(out.all());
  const auto index = bench.poisoned<std::uint8_t>(out.all());
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::max_pool_forward(x[slot], y[slot], index[slot], pool_shape(in), bench.stream());
      },
      [&] {
        Difference difference;
        for (const std::int64_t image : {std::int64_t{0}, in.count - 1}) {
          const reference::MaxPool wanted =
              reference::max_pool(x.array(in.of_one(), image), kKernel, kStride, kPadding);
          const reference::Array winners = index.array(out.of_one(), image);
          difference.add(y.array(out.of_one(), image), wanted.y);
          for (std::int64_t i = 0; i < winners.size(); ++i)
            difference.add(winners[i], wanted.index[static_cast<std::size_t>(i)]);
        }
        return difference.relative();
      });
}

template <typename T>
void backward(Bench& bench, const ImageShape& in) {
  const ImageShape out = pooled(in);
  const double bytes =
      static_cast<double>(in.all()) * sizeof(T) + static_cast<double>(out.all()) * (sizeof(T) + 1);
  if (!bench.begin("max_pool_backward", in.name(), name_of<T>(), bytes)) return;
  const auto dx = bench.poisoned<T>(in.all()), dy = bench.random<T>(out.all(), -1, 1),
             x = bench.random<T>(in.all(), -4, 4);
  const auto y = bench.poisoned<T>(out.all());
  const auto index = bench.poisoned<std::uint8_t>(out.all());
  for (int slot = 0; slot < bench.slots(); ++slot) {
    kernels::max_pool_forward(x[slot], y[slot], index[slot], pool_shape(in), bench.stream());
  }
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::max_pool_backward(dy[slot], index[slot], dx[slot], pool_shape(in), bench.stream());
      },
      [&] {
        Difference difference;
        for (const std::int64_t image : {std::int64_t{0}, in.count - 1}) {
          const reference::Array got = dx.array(in.of_one(), image);
          const std::int64_t outputs = out.all() / out.count;
          const std::vector<std::uint8_t> winners = index.values(image * outputs, outputs);
          difference.add(got, reference::max_pool_backward(dy.array(out.of_one(), image), winners, got,
                                                           kKernel, kStride, kPadding));
        }
        return difference.relative();
      });
}

void bench_max_pool(Bench& bench) {
  // A ResNet's stem: 64 images of 64x64 pixels, 256 of 224x224.
  for (const ImageShape& shape :
       bench.shapes<ImageShape>({{64, 32, 32, 64}, {256, 112, 112, 64}}, {{2, 32, 32, 64}})) {
    bench.measure_rows(forward<float>, shape);
    bench.measure_rows(backward<float>, shape);
    bench.measure_rows(forward<bfloat16>, shape);
    bench.measure_rows(backward<bfloat16>, shape);
  }
}
const Registration registration("max_pool", bench_max_pool);

}  // namespace
}  // namespace tern::bench
