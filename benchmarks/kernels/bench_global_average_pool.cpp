// The average over all pixels: an image and its means.
#include "benchmarks/kernels/harness.h"
#include "kernels/global_average_pool.h"

namespace tern::bench {
namespace {

/// Forward: the mean over an image's pixels; backward: its gradient, spread over them.
template <typename T>
void average(Bench& bench, const ImageShape& in, bool backward) {
  const std::int64_t pixels = in.height * in.width, means = in.count * in.channels;
  const double bytes = static_cast<double>(in.all() + means) * sizeof(T);
  const char* const name = backward ? "average_pool_backward" : "average_pool_forward";
  if (!bench.begin(name, in.name(), name_of<T>(), bytes)) return;
  const auto whole = backward ? bench.poisoned<T>(in.all()) : bench.random<T>(in.all(), -1, 3);
  const auto mean = backward ? bench.random<T>(means, -1, 1) : bench.poisoned<T>(means);
  bench.measure(
      bytes,
      [&](int slot) {
        if (backward) {
          kernels::global_average_pool_backward(mean[slot], whole[slot], in.count, pixels, in.channels,
                                                bench.stream());
        } else {
          kernels::global_average_pool_forward(whole[slot], mean[slot], in.count, pixels, in.channels,
                                               bench.stream());
        }
      },
      [&] {
        Difference difference;
        for (const std::int64_t image : {std::int64_t{0}, in.count - 1}) {
          const reference::Array of_image = whole.array(in.of_one(), image),
                                 of_mean = mean.array({1, in.channels}, image);
          if (backward) {
            difference.add(of_image, reference::global_average_pool_backward(of_mean, of_image));
          } else {
            difference.add(of_mean, reference::global_average_pool(of_image));
          }
        }
        return difference.relative();
      });
}

void bench_global_average_pool(Bench& bench) {
  // A ResNet's end: 64 images of 64x64 pixels, 256 of 224x224.
  for (const ImageShape& shape :
       bench.shapes<ImageShape>({{64, 2, 2, 2048}, {256, 7, 7, 2048}}, {{4, 2, 2, 2048}, {2, 7, 7, 2048}})) {
    for (const bool backward : {false, true}) bench.measure_rows(average<float>, shape, backward);
    for (const bool backward : {false, true}) bench.measure_rows(average<bfloat16>, shape, backward);
  }
}
const Registration registration("global_average_pool", bench_global_average_pool);

}  // namespace
}  // namespace tern::bench
