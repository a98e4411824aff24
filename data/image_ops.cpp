#include "data/image_ops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "data/rotate.h"
#include "engine/core/check.h"

namespace tern {
namespace {

void check_same_size(const char* op, ConstPixels from, Pixels to) {
  if (from.size() == to.size() && from.size() % 3 == 0) return;
  throw Error(op, "as many bytes on both sides, in threes",
              std::to_string(from.size()) + " and " + std::to_string(to.size()));
}

/// torchvision gives the shear to Pillow in degrees, and Pillow's matrix is made of sines and tangents again.
double through_degrees(double slope) {
  const double degrees = std::atan(slope) * (180.0 / std::numbers::pi);
  return degrees * (std::numbers::pi / 180.0);
}

/// In f32 and truncated, as Pillow's Image.blend.
class Blend {
 public:
  explicit Blend(double factor) : factor_(static_cast<float>(factor)) {}

  std::uint8_t operator()(int other, int value) const {
    const float mixed = static_cast<float>(other) + factor_ * static_cast<float>(value - other);
    return static_cast<std::uint8_t>(std::clamp(mixed, 0.0f, 255.0f));
  }

 private:
  float factor_;
};

/// Luma of ITU-R 601 in 16.16 fixed point, rounded: Pillow's convert("L").
int grey(const std::uint8_t* rgb) {
  return (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16;
}

using Table = std::array<std::uint8_t, 256>;
using Histogram = std::array<std::int64_t, 256>;

Table identity_table() {
  Table table;
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint8_t>(i);
  return table;
}

/// to = the table of its channel at each byte; table_of(histogram) makes it.
template <typename TableOf>
void map_channels(ConstPixels from, Pixels to, TableOf&& table_of) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    Histogram histogram{};
    for (std::size_t i = channel; i < from.size(); i += 3) ++histogram[from[i]];
    const Table table = table_of(histogram);
    for (std::size_t i = channel; i < from.size(); i += 3) to[i] = table[from[i]];
  }
}

/// The lowest grey level that occurs becomes 0, the highest 255.
Table stretching_table(const Histogram& histogram) {
  const auto occurs = [](std::int64_t count) { return count > 0; };
  const auto first = std::find_if(histogram.begin(), histogram.end(), occurs);
  const auto last = std::find_if(histogram.rbegin(), histogram.rend(), occurs);
  const auto low = first - histogram.begin(), high = histogram.rend() - last - 1;
  if (high <= low) return identity_table();
  const double scale = 255.0 / static_cast<double>(high - low), offset = static_cast<double>(-low) * scale;
  Table table;
  for (std::size_t i = 0; i < table.size(); ++i) {
    const double value = std::trunc(static_cast<double>(i) * scale + offset);
    table[i] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
  }
  return table;
}

/// A grey level becomes the share of the pixels that are darker, counted in steps of 1/255 of all but the
/// brightest ones.
Table equalizing_table(const Histogram& histogram) {
  std::int64_t pixels = 0, brightest = 0, levels = 0;
  for (const std::int64_t count : histogram) {
    pixels += count;
    if (count > 0) brightest = count;
    levels += count > 0 ? 1 : 0;
  }
  const std::int64_t step = (pixels - brightest) / 255;
  if (levels <= 1 || step == 0) return identity_table();
  Table table;
  std::int64_t darker = step / 2;
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = static_cast<std::uint8_t>(std::min<std::int64_t>(darker / step, 255));
    darker += histogram[i];
  }
  return table;
}

}  // namespace

void shear_x(ConstPixels from, int width, int height, double slope, Pixels to) {
  const double tangent = std::tan(through_degrees(slope));
  kernels::InverseRotation inverse;
  inverse.xy = pixel_fixed(tangent);
  inverse.x0 = pixel_fixed(0.5 + tangent * 0.5);
  flip_and_map(from, width, height, false, inverse, to);
}

void shear_y(ConstPixels from, int width, int height, double slope, Pixels to) {
  const double angle = through_degrees(slope), tangent = std::sin(angle) / std::cos(angle);
  kernels::InverseRotation inverse;
  inverse.yx = pixel_fixed(tangent);
  inverse.y0 = pixel_fixed(tangent * 0.5 + 0.5);
  flip_and_map(from, width, height, false, inverse, to);
}

void translate(ConstPixels from, int width, int height, int dx, int dy, Pixels to) {
  kernels::InverseRotation inverse;
  inverse.x0 = pixel_fixed(0.5 - dx);
  inverse.y0 = pixel_fixed(0.5 - dy);
  flip_and_map(from, width, height, false, inverse, to);
}

void adjust_brightness(ConstPixels from, double factor, Pixels to) {
  check_same_size("adjust_brightness", from, to);
  const Blend blend(factor);
  std::transform(from.begin(), from.end(), to.begin(), [&](std::uint8_t value) { return blend(0, value); });
}

void adjust_color(ConstPixels from, double factor, Pixels to) {
  check_same_size("adjust_color", from, to);
  const Blend blend(factor);
  for (std::size_t i = 0; i < from.size(); i += 3) {
    const int other = grey(&from[i]);
    for (std::size_t c = i; c < i + 3; ++c) to[c] = blend(other, from[c]);
  }
}

void adjust_contrast(ConstPixels from, double factor, Pixels to) {
  check_same_size("adjust_contrast", from, to);
  if (from.empty()) return;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < from.size(); i += 3) sum += grey(&from[i]);
  const double mean = static_cast<double>(sum) / static_cast<double>(from.size() / 3);
  const int other = static_cast<int>(mean + 0.5);
  const Blend blend(factor);
  std::transform(from.begin(), from.end(), to.begin(),
                 [&](std::uint8_t value) { return blend(other, value); });
}

void adjust_sharpness(ConstPixels from, int width, int height, double factor, Pixels to) {
  check_same_size("adjust_sharpness", from, to);
  if (from.size() != static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3) {
    throw Error("adjust_sharpness", "width * height * 3 bytes", std::to_string(from.size()));
  }
  const Blend blend(factor);
  std::copy(from.begin(), from.end(), to.begin());
  const std::ptrdiff_t row = std::ptrdiff_t{3} * width;
  for (int y = 1; y + 1 < height; ++y) {
    for (std::ptrdiff_t i = y * row + 3; i < (y + 1) * row - 3; ++i) {
      const std::uint8_t* const in = from.data() + i;
      int sum = 4 * in[0];  // with the one below: 5 of the 13 parts
      for (int step = -1; step <= 1; ++step) sum += in[step * row - 3] + in[step * row] + in[step * row + 3];
      // sum / 13, rounded: a half cannot be.
      to[static_cast<std::size_t>(i)] = blend((2 * sum + 13) / 26, in[0]);
    }
  }
}

void posterize(ConstPixels from, int bits, Pixels to) {
  check_same_size("posterize", from, to);
  if (bits < 1 || bits > 8) throw Error("posterize", "1..8 bits", std::to_string(bits));
  const int mask = 0xff & ~((1 << (8 - bits)) - 1);
  std::transform(from.begin(), from.end(), to.begin(),
                 [mask](std::uint8_t value) { return static_cast<std::uint8_t>(value & mask); });
}

void solarize(ConstPixels from, double threshold, Pixels to) {
  check_same_size("solarize", from, to);
  std::transform(from.begin(), from.end(), to.begin(), [threshold](std::uint8_t value) {
    return value < threshold ? value : static_cast<std::uint8_t>(255 - value);
  });
}

void autocontrast(ConstPixels from, Pixels to) {
  check_same_size("autocontrast", from, to);
  map_channels(from, to, stretching_table);
}

void equalize(ConstPixels from, Pixels to) {
  check_same_size("equalize", from, to);
  map_channels(from, to, equalizing_table);
}

}  // namespace tern
