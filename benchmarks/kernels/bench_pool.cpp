// Max pooling 3x3, stride 2, padding 1: input, output and a byte of index; and the average over all pixels.
#include "benchmarks/kernels/harness.h"
#include "kernels/global_average_pool.h"
#include "kernels/max_pool.h"

namespace tern::bench {
namespace {

struct Images {
  std::int64_t count, height, width, channels;
  std::int64_t of_one() const { return height * width * channels; }
  std::int64_t all() const { return count * of_one(); }
  std::string name() const {
    return std::to_string(count) + "x" + std::to_string(height) + "x" + std::to_string(width) + "x" +
           std::to_string(channels);
  }
};

constexpr int kKernel = 3, kStride = 2, kPadding = 1;

Images pooled(const Images& in) {
  const auto extent = [](std::int64_t of) { return (of + 2 * kPadding - kKernel) / kStride + 1; };
  return {in.count, extent(in.height), extent(in.width), in.channels};
}
kernels::PoolShape pool_shape(const Images& in) {
  const Images out = pooled(in);
  return {in.count, in.height, in.width, in.channels, out.height, out.width, kKernel, kStride, kPadding};
}

/// Calls visit(place of the output, place in the window, place of the input) for one image.
template <typename Visit>
void for_windows(const Images& in, Visit visit) {
  const Images out = pooled(in);
  for (std::int64_t place = 0; place < out.of_one(); ++place) {
    const std::int64_t channel = place % in.channels, column = place / in.channels % out.width;
    const std::int64_t row = place / in.channels / out.width;
    for (int i = 0; i < kKernel * kKernel; ++i) {
      const std::int64_t y = row * kStride - kPadding + i / kKernel,
                         x = column * kStride - kPadding + i % kKernel;
      if (y < 0 || y >= in.height || x < 0 || x >= in.width) continue;
      visit(static_cast<std::size_t>(place), i,
            static_cast<std::size_t>((y * in.width + x) * in.channels + channel));
    }
  }
}

template <typename T>
void max_forward(Bench& bench, const Images& in) {
  const Images out = pooled(in);
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
          const std::vector<double> from = x.doubles(image * in.of_one(), in.of_one());
          const std::vector<double> got = y.doubles(image * out.of_one(), out.of_one());
          const std::vector<std::uint8_t> places = index.values(image * out.of_one(), out.of_one());
          std::vector<double> max(got.size(), -INFINITY);
          std::vector<int> winner(got.size());
          for_windows(in, [&](std::size_t to, int i, std::size_t of) {
            if (from[of] > max[to]) {
              max[to] = from[of];
              winner[to] = i;
            }
          });
          for (std::size_t i = 0; i < got.size(); ++i) {
            difference.add(got[i], max[i]);
            difference.add(places[i], winner[i]);
          }
        }
        return difference.relative();
      });
}

template <typename T>
void max_backward(Bench& bench, const Images& in) {
  const Images out = pooled(in);
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
          const std::vector<double> from = dy.doubles(image * out.of_one(), out.of_one());
          const std::vector<double> got = dx.doubles(image * in.of_one(), in.of_one());
          const std::vector<std::uint8_t> places = index.values(image * out.of_one(), out.of_one());
          std::vector<double> wanted(got.size(), 0.0);
          for_windows(in, [&](std::size_t to, int i, std::size_t of) {
            if (places[to] == i) wanted[of] += from[to];
          });
          for (std::size_t i = 0; i < got.size(); ++i) difference.add(got[i], wanted[i]);
        }
        return difference.relative();
      });
}

/// Forward: the mean over an image's pixels; backward: its gradient, spread over them.
template <typename T>
void average(Bench& bench, const Images& in, bool backward) {
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
          const std::vector<double> of_image = whole.doubles(image * in.of_one(), in.of_one());
          const std::vector<double> of_mean = mean.doubles(image * in.channels, in.channels);
          std::vector<double> sum(of_mean.size(), 0.0);
          for (std::size_t i = 0; i < of_image.size(); ++i) {
            const std::size_t channel = i % sum.size();
            sum[channel] += of_image[i];
            if (backward) difference.add(of_image[i], of_mean[channel] / static_cast<double>(pixels));
          }
          for (std::size_t c = 0; !backward && c < sum.size(); ++c) {
            difference.add(of_mean[c], sum[c] / static_cast<double>(pixels));
          }
        }
        return difference.relative();
      });
}

template <typename T>
void all_of(Bench& bench, const Images& for_max, const Images& for_average) {
  bench.measure_rows(max_forward<T>, for_max);
  bench.measure_rows(max_backward<T>, for_max);
  bench.measure_rows(average<T>, for_average, false);
  bench.measure_rows(average<T>, for_average, true);
}

void bench_pool(Bench& bench) {
  // A ResNet's stem and end: 64 images of 64x64 pixels, 256 of 224x224.
  for (const auto& [stem, end] : {std::pair{Images{64, 32, 32, 64}, Images{64, 2, 2, 2048}},
                                  std::pair{Images{256, 112, 112, 64}, Images{256, 7, 7, 2048}}}) {
    all_of<float>(bench, stem, end);
    all_of<bfloat16>(bench, stem, end);
  }
}
const Registration registration("pool", bench_pool);

}  // namespace
}  // namespace tern::bench
