// A batch from resident images: 3 bytes a source pixel read, 3 elements a pixel written.
#include "benchmarks/kernels/harness.h"

#include <tuple>

#include "data/rotate.h"
#include "kernels/augment.h"

namespace tern::bench {
namespace {

using kernels::AugmentImage;

/// What image i of a batch gets: every second is mirrored, all are turned by up to ten degrees.
AugmentImage drawn(std::int64_t i, int size) {
  AugmentImage image;
  image.rotation = inverse_rotation(static_cast<double>(i * 7 % 21) - 10, size, size);
  image.flip = i % 2 == 1;
  return image;
}

/// Value (x, y, channel) of an image; `byte` gives those of the source.
double wanted_value(const AugmentImage& image, const std::vector<std::uint8_t>& source,
                    const std::vector<double>& table, int source_size, int size, int x, int y, int channel) {
  const kernels::InverseRotation& turn = image.rotation;
  const std::int64_t row = (turn.y0 + turn.yy * y + turn.yx * x) >> 16;
  std::int64_t column = (turn.x0 + turn.xy * y + turn.xx * x) >> 16;
  int byte = 0;
  if (column >= 0 && column < size && row >= 0 && row < size) {
    if (image.flip) column = size - 1 - column;
    const auto at = [&](std::int64_t of_x, std::int64_t of_y) {
      const std::int64_t last = source_size - 1;
      of_x = std::clamp<std::int64_t>(of_x, 0, last);
      of_y = std::clamp<std::int64_t>(of_y, 0, last);
      return static_cast<int>(source[static_cast<std::size_t>((of_y * source_size + of_x) * 3 + channel)]);
    };
    const auto blend = [](int near, int far) { return (3 * near + far + 2) / 4; };
    if (source_size == size) {
      byte = at(column, row);
    } else {
      const std::int64_t near_x = column / 2, near_y = row / 2;
      const std::int64_t far_x = near_x + (column % 2 == 0 ? -1 : 1),
                         far_y = near_y + (row % 2 == 0 ? -1 : 1);
      byte = blend(blend(at(near_x, near_y), at(far_x, near_y)), blend(at(near_x, far_y), at(far_x, far_y)));
    }
  }
  return table[static_cast<std::size_t>(channel * 256 + byte)];
}

template <typename T>
void measure(Bench& bench, std::int64_t count, int source_size, int size) {
  const std::int64_t source_bytes = std::int64_t{source_size} * source_size * 3;
  const std::int64_t values = std::int64_t{size} * size * 3;
  const double bytes = static_cast<double>(count) *
                       (static_cast<double>(source_bytes) + static_cast<double>(values) * sizeof(T));
  const std::string shape =
      std::to_string(count) + "x" + std::to_string(source_size) + "to" + std::to_string(size);
  if (!bench.begin("augment", shape, name_of<T>(), bytes)) return;
  const auto pixels = bench.random<std::uint8_t>(count * source_bytes, 0, 256);
  const auto table = bench.random<float>(3 * 256, -2, 2);
  const auto y = bench.poisoned<T>(count * values);
  const auto images = bench.upload<AugmentImage>([&](int slot) {
    std::vector<AugmentImage> of;
    for (std::int64_t i = 0; i < count; ++i) {
      of.push_back(drawn(i, size));
      of.back().pixels = pixels[slot] + i * source_bytes;
    }
    return of;
  });
  bench.measure(
      bytes,
      [&](int slot) {
        kernels::augment(images[slot], table[slot], y[slot], count, source_size, size, bench.stream());
      },
      [&] {
        Difference difference;
        const std::vector<double> numbers = table.doubles();
        for (const std::int64_t i : sampled(count)) {
          const std::vector<std::uint8_t> source = pixels.values(i * source_bytes, source_bytes);
          const std::vector<double> got = y.doubles(i * values, values);
          std::size_t place = 0;
          for (int row = 0; row < size; ++row) {
            for (int column = 0; column < size; ++column) {
              for (int channel = 0; channel < 3; ++channel) {
                difference.add(got[place++], wanted_value(drawn(i, size), source, numbers, source_size, size,
                                                          column, row, channel));
              }
            }
          }
        }
        return difference.relative();
      });
}

void bench_augment(Bench& bench) {
  for (const auto& [count, source_size, size] :
       {std::tuple{64, 64, 64}, {64, 32, 64}, {256, 224, 224}, {1024, 224, 224}}) {
    bench.measure_rows(measure<float>, count, source_size, size);
    bench.measure_rows(measure<bfloat16>, count, source_size, size);
  }
}
const Registration registration("augment", bench_augment);

}  // namespace
}  // namespace tern::bench
