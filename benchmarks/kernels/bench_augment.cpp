// A batch from resident images: 3 bytes a source pixel read, 3 elements per pixel written.
#include "benchmarks/kernels/harness.h"

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

struct Shape {
  std::int64_t count;
  int source_size, size;
};

template <typename T>
void measure(Bench& bench, const Shape& shapes) {
  const std::int64_t count = shapes.count;
  const int source_size = shapes.source_size, size = shapes.size;
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
        for (const std::int64_t i : sampled(count)) {
          const AugmentImage image = drawn(i, size);
          const auto& [xx, xy, x0, yx, yy, y0] = image.rotation;
          difference.add(y.array({size, size, 3}, i),
                         reference::augment(pixels.values(i * source_bytes, source_bytes), source_size, size,
                                            image.flip, {xx, xy, x0, yx, yy, y0}, table.array({3, 256})));
        }
        return difference.relative();
      });
}

void bench_augment(Bench& bench) {
  for (const Shape& shape : bench.shapes<Shape>(
           {{64, 64, 64}, {64, 32, 64}, {256, 224, 224}, {1024, 224, 224}}, {{4, 64, 64}, {4, 32, 64}})) {
    bench.measure_rows(measure<float>, shape);
    bench.measure_rows(measure<bfloat16>, shape);
  }
}
const Registration registration("augment", bench_augment);

}  // namespace
}  // namespace tern::bench
