#include "data/mixup.h"

#include <algorithm>
#include <cmath>

#include "data/beta_distribution.h"

namespace tern {
namespace {

/// Each row's values [begin, begin + count) change places with its partner's.
void swap_rows(std::span<float> values, std::int64_t rows, std::size_t begin, std::size_t count) {
  const std::size_t width = values.size() / static_cast<std::size_t>(rows);
  for (std::int64_t row = 0; row < rows / 2; ++row) {
    float* const one = values.data() + static_cast<std::size_t>(row) * width + begin;
    float* const other = values.data() + static_cast<std::size_t>(rows - 1 - row) * width + begin;
    std::swap_ranges(one, one + count, other);
  }
}

}  // namespace

DrawnMix draw_mix(const Mixup& mixup, int size, RandomStream& random) {
  DrawnMix mix;
  const bool both = mixup.mixup_alpha > 0 && mixup.cutmix_alpha > 0;
  mix.cut = both ? random.chance(0.5f) : mixup.cutmix_alpha > 0;
  const double share =
      draw_beta(static_cast<double>(mix.cut ? mixup.cutmix_alpha : mixup.mixup_alpha), random);
  mix.share = static_cast<float>(share);
  if (!mix.cut) return mix;
  const int half = static_cast<int>(size * std::sqrt(1 - share)) / 2;
  const int y = static_cast<int>(random.below(static_cast<std::uint32_t>(size)));
  const int x = static_cast<int>(random.below(static_cast<std::uint32_t>(size)));
  mix.top = std::max(y - half, 0);
  mix.bottom = std::min(y + half, size);
  mix.left = std::max(x - half, 0);
  mix.right = std::min(x + half, size);
  const double area = static_cast<double>(mix.bottom - mix.top) * (mix.right - mix.left);
  mix.share = static_cast<float>(1 - area / (static_cast<double>(size) * size));
  return mix;
}

void blend_rows(std::span<float> values, std::int64_t rows, float share) {
  const float rest = 1 - share;
  const std::size_t width = rows > 0 ? values.size() / static_cast<std::size_t>(rows) : 0;
  for (std::int64_t row = 0; row < rows / 2; ++row) {
    float* const one = values.data() + static_cast<std::size_t>(row) * width;
    float* const other = values.data() + static_cast<std::size_t>(rows - 1 - row) * width;
    for (std::size_t i = 0; i < width; ++i) {
      const float first = one[i], second = other[i];
      one[i] = share * first + rest * second;
      other[i] = share * second + rest * first;
    }
  }
}

void mix_images(std::span<float> images, std::int64_t count, int size, const DrawnMix& mix) {
  if (!mix.cut) return blend_rows(images, count, mix.share);
  if (count == 0) return;
  const auto at = [size](int y, int x) {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(size) + static_cast<std::size_t>(x)) * 3;
  };
  for (int y = mix.top; y < mix.bottom; ++y) {
    swap_rows(images, count, at(y, mix.left), static_cast<std::size_t>(mix.right - mix.left) * 3);
  }
}

}  // namespace tern
