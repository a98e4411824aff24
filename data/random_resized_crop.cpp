#include "data/random_resized_crop.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "data/resize.h"
#include "engine/core/check.h"

namespace tern {

CropBox draw_crop(const RandomResizedCrop& crop, int size, RandomStream& random) {
  const float log_ratio = std::log(4.0f / 3);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area =
        static_cast<double>(random.uniform(crop.lowest_scale, crop.highest_scale)) * size * size;
    const double ratio = std::exp(static_cast<double>(random.uniform(-log_ratio, log_ratio)));
    const int width = static_cast<int>(std::nearbyint(std::sqrt(area * ratio)));
    const int height = static_cast<int>(std::nearbyint(std::sqrt(area / ratio)));
    if (width < 1 || width > size || height < 1 || height > size) continue;
    const int top = static_cast<int>(random.below(static_cast<std::uint32_t>(size - height + 1)));
    const int left = static_cast<int>(random.below(static_cast<std::uint32_t>(size - width + 1)));
    return {top, left, height, width};
  }
  return {0, 0, size, size};
}

void resize_crop(ConstPixels from, int size, const CropBox& box, Pixels to) {
  const auto inside = [size](int begin, int extent) {
    return begin >= 0 && extent >= 1 && begin <= size - extent;
  };
  const std::size_t row = static_cast<std::size_t>(size) * 3, bytes = row * static_cast<std::size_t>(size);
  if (!inside(box.top, box.height) || !inside(box.left, box.width) || from.size() != bytes) {
    throw Error("crop", "a part of the image",
                std::to_string(box.width) + " x " + std::to_string(box.height) + " pixels of it");
  }
  std::vector<std::uint8_t> part;
  for (int y = box.top; y < box.top + box.height; ++y) {
    const ConstPixels line =
        from.subspan(static_cast<std::size_t>(y) * row + static_cast<std::size_t>(box.left) * 3,
                     static_cast<std::size_t>(box.width) * 3);
    part.insert(part.end(), line.begin(), line.end());
  }
  Resizer(box.width, box.height, size, size)(part, to);
}

}  // namespace tern
