// Two passes, horizontal then vertical, each rounding to bytes. Output i is centred at input (i + 1/2) *
// scale, with scale = from / to; the triangle filter reaches max(scale, 1) to both sides. Weights are
// normalised in f64, then rounded to 22 fractional bits (8 bits of pixel and 2 spare make 32), which is what
// makes the results Pillow's.
#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

constexpr int kFractionBits = 22;
constexpr std::int32_t kHalf = 1 << (kFractionBits - 1);
constexpr int kLargestSide = 1 << 16;

std::uint8_t to_byte(std::int32_t fixed) {
  return static_cast<std::uint8_t>(std::clamp(fixed >> kFractionBits, 0, 255));
}

std::size_t byte_count(int width, int height) {
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
}

}  // namespace

Resizer::Axis::Axis(int from_size, int to_size) : from(from_size), to(to_size) {
  if (std::min(from, to) < 1 || std::max(from, to) > kLargestSide) {
    throw Error("resize", "sizes in 1.." + std::to_string(kLargestSide),
                std::to_string(from) + " -> " + std::to_string(to));
  }
  const double scale = static_cast<double>(from) / to;
  const double reach = std::max(scale, 1.0);
  width = static_cast<int>(std::ceil(reach)) * 2 + 1;
  first.resize(static_cast<std::size_t>(to));
  count.resize(static_cast<std::size_t>(to));
  weights.assign(static_cast<std::size_t>(to) * static_cast<std::size_t>(width), 0);
  std::vector<double> exact(static_cast<std::size_t>(width));
  for (std::size_t i = 0; i < first.size(); ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const int begin = std::max(static_cast<int>(centre - reach + 0.5), 0);
    const int end = std::min(static_cast<int>(centre + reach + 0.5), from);
    first[i] = begin;
    count[i] = end - begin;
    double sum = 0;
    for (int k = 0; k < end - begin; ++k) {
      const double distance = std::abs((k + begin - centre + 0.5) / reach);
      exact[k] = std::max(1.0 - distance, 0.0);
      sum += exact[k];
    }
    for (int k = 0; k < end - begin; ++k) {
      const double weight = sum != 0 ? exact[k] / sum : exact[k];
      weights[i * width + k] = static_cast<std::int32_t>(0.5 + weight * (1 << kFractionBits));
    }
  }
}

Resizer::Resizer(int from_width, int from_height, int to_width, int to_height)
    : horizontal_(from_width, to_width), vertical_(from_height, to_height) {
  rows_.resize(byte_count(to_width, from_height));
  sums_.resize(byte_count(to_width, 1));
}

void Resizer::operator()(std::span<const std::uint8_t> from, std::span<std::uint8_t> to) {
  if (from.size() != byte_count(horizontal_.from, vertical_.from) ||
      to.size() != byte_count(horizontal_.to, vertical_.to)) {
    throw Error("resize", "width * height * 3 bytes on both sides",
                std::to_string(from.size()) + " and " + std::to_string(to.size()));
  }
  resize_rows(from);
  resize_columns(to);
}

void Resizer::resize_rows(std::span<const std::uint8_t> from) {
  if (horizontal_.from == horizontal_.to) {
    std::copy(from.begin(), from.end(), rows_.begin());
    return;
  }
  std::uint8_t* to = rows_.data();
  for (int y = 0; y < vertical_.from; ++y) {
    const std::uint8_t* row = from.data() + byte_count(horizontal_.from, y);
    for (int x = 0; x < horizontal_.to; ++x, to += 3) {
      const std::uint8_t* pixel = row + std::ptrdiff_t{3} * horizontal_.first[x];
      const std::int32_t* weight = &horizontal_.weights[static_cast<std::size_t>(x) * horizontal_.width];
      std::int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (int k = 0; k < horizontal_.count[x]; ++k, pixel += 3) {
        red += pixel[0] * weight[k];
        green += pixel[1] * weight[k];
        blue += pixel[2] * weight[k];
      }
      to[0] = to_byte(red);
      to[1] = to_byte(green);
      to[2] = to_byte(blue);
    }
  }
}

void Resizer::resize_columns(std::span<std::uint8_t> to) {
  if (vertical_.from == vertical_.to) {
    std::copy(rows_.begin(), rows_.end(), to.begin());
    return;
  }
  const std::size_t stride = sums_.size();
  for (int y = 0; y < vertical_.to; ++y) {
    std::fill(sums_.begin(), sums_.end(), kHalf);
    for (int k = 0; k < vertical_.count[y]; ++k) {
      const std::int32_t weight = vertical_.weights[static_cast<std::size_t>(y) * vertical_.width + k];
      const std::uint8_t* row = rows_.data() + stride * (vertical_.first[y] + k);
      for (std::size_t i = 0; i < stride; ++i) sums_[i] += row[i] * weight;
    }
    for (std::size_t i = 0; i < stride; ++i) to[stride * y + i] = to_byte(sums_[i]);
  }
}

Image resize(const Image& image, int width, int height) {
  if (std::int64_t{width} * height > kMaxPixels) {
    throw Error("resize", "at most 64 megapixels", std::to_string(width) + " x " + std::to_string(height));
  }
  Resizer resizer(image.width, image.height, width, height);
  Image result{width, height, std::vector<std::uint8_t>(byte_count(width, height))};
  resizer(image.rgb, result.rgb);
  return result;
}

Image resize_shortest(const Image& image, int size) {
  const std::int64_t longer = std::max(image.width, image.height),
                     shorter = std::min(image.width, image.height);
  if (size < 1 || shorter < 1)
    throw Error("resize", "sizes of at least 1", std::to_string(std::min(size, 0)));
  const std::int64_t other = size * longer / shorter;
  if (other > kLargestSide) {
    throw Error("resize", "an image of at most " + std::to_string(kLargestSide) + " pixels a side",
                std::to_string(image.width) + " x " + std::to_string(image.height) +
                    " with its shorter side at " + std::to_string(size));
  }
  const int side = static_cast<int>(other);
  return image.width <= image.height ? resize(image, size, side) : resize(image, side, size);
}

Image center_crop(const Image& image, int size) {
  if (size < 1 || size > 8192) throw Error("center_crop", "a size in 1..8192", std::to_string(size));
  if (image.width < 1 || image.height < 1 || image.rgb.size() != byte_count(image.width, image.height)) {
    throw Error("center_crop", "an image of width * height * 3 bytes",
                std::to_string(image.rgb.size()) + " bytes");
  }
  // Where the result's first row or column lies in the image; negative: padding.
  const auto offset = [size](int extent) {
    if (extent < size) return -((size - extent) / 2);
    return static_cast<int>(std::nearbyint((extent - size) / 2.0));
  };
  const int left = offset(image.width), top = offset(image.height);
  const int first = std::max(0, -left), last = std::min(size, image.width - left);
  Image result{size, size, std::vector<std::uint8_t>(byte_count(size, size))};
  for (int y = std::max(0, -top); y < std::min(size, image.height - top); ++y) {
    const std::uint8_t* from = image.rgb.data() + byte_count(image.width, top + y) + 3 * (left + first);
    std::copy(from, from + std::ptrdiff_t{3} * (last - first),
              result.rgb.data() + byte_count(size, y) + 3 * first);
  }
  return result;
}

}  // namespace tern
