#include "data/random_erasing.h"

#include <cmath>

namespace tern {

std::optional<Erasure> draw_erasure(const RandomErasing& erasing, int size, RandomStream& random) {
  if (!random.chance(erasing.probability)) return std::nullopt;
  const float log_low = std::log(0.3f), log_high = std::log(3.3f);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = static_cast<double>(random.uniform(0.02f, 0.33f)) * size * size;
    const double ratio = std::exp(static_cast<double>(random.uniform(log_low, log_high)));
    const int height = static_cast<int>(std::nearbyint(std::sqrt(area * ratio)));
    const int width = static_cast<int>(std::nearbyint(std::sqrt(area / ratio)));
    if (height >= size || width >= size) continue;
    Erasure erasure{0, 0, height, width, std::nullopt};
    erasure.top = static_cast<int>(random.below(static_cast<std::uint32_t>(size - height + 1)));
    erasure.left = static_cast<int>(random.below(static_cast<std::uint32_t>(size - width + 1)));
    if (erasing.noise) erasure.noise = random;
    return erasure;
  }
  return std::nullopt;
}

void erase(std::span<float> input, int size, const Erasure& erasure) {
  std::optional<RandomStream> noise = erasure.noise;
  for (int y = erasure.top; y < erasure.top + erasure.height; ++y) {
    const auto first = (static_cast<std::size_t>(y) * static_cast<std::size_t>(size) +
                        static_cast<std::size_t>(erasure.left)) *
                       3;
    for (float& value : input.subspan(first, static_cast<std::size_t>(erasure.width) * 3)) {
      value = noise ? noise->normal() : 0;
    }
  }
}

}  // namespace tern
