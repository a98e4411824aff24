// Each output pixel's centre is carried back into the input by the inverse rotation, in 16.16 fixed point and
// row by row, as Pillow does; what falls outside is black.
#include "data/rotate.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

void check_bytes(std::span<const std::uint8_t> from, std::span<std::uint8_t> to, int width, int height) {
  const std::size_t bytes =
      static_cast<std::size_t>(std::max(width, 0)) * static_cast<std::size_t>(std::max(height, 0)) * 3;
  if (from.size() != bytes || to.size() != bytes) {
    throw Error("rotate", "width * height * 3 bytes on both sides",
                std::to_string(from.size()) + " and " + std::to_string(to.size()));
  }
}

}  // namespace

std::int64_t pixel_fixed(double value) {
  return static_cast<std::int64_t>(std::floor(value * 65536.0 + 0.5));
}

kernels::InverseRotation inverse_rotation(double degrees, int width, int height) {
  if (!std::isfinite(degrees)) throw Error("rotate", "a finite angle", std::to_string(degrees));
  double turn = std::fmod(degrees, 360.0);
  if (turn < 0) turn += 360.0;
  const double radians = -turn * (std::numbers::pi / 180.0);
  // 15 decimals, so that a quarter turn has an exact zero.
  const double cosine = std::nearbyint(std::cos(radians) * 1e15) / 1e15;
  const double sine = std::nearbyint(std::sin(radians) * 1e15) / 1e15;
  const double centre_x = width / 2.0, centre_y = height / 2.0;
  const double shift_x = cosine * -centre_x + sine * -centre_y + centre_x;
  const double shift_y = -sine * -centre_x + cosine * -centre_y + centre_y;
  return {.xx = pixel_fixed(cosine),
          .xy = pixel_fixed(sine),
          .x0 = pixel_fixed(shift_x + cosine * 0.5 + sine * 0.5),
          .yx = pixel_fixed(-sine),
          .yy = pixel_fixed(cosine),
          .y0 = pixel_fixed(shift_y - sine * 0.5 + cosine * 0.5)};
}

void flip_and_rotate(std::span<const std::uint8_t> from, int width, int height, bool flip, double degrees,
                     std::span<std::uint8_t> to) {
  check_bytes(from, to, width, height);
  if (degrees == 0 && !flip) {
    std::copy(from.begin(), from.end(), to.begin());
    return;
  }
  flip_and_map(from, width, height, flip, inverse_rotation(degrees, width, height), to);
}

void flip_and_map(std::span<const std::uint8_t> from, int width, int height, bool flip,
                  const kernels::InverseRotation& inverse, std::span<std::uint8_t> to) {
  check_bytes(from, to, width, height);
  std::uint8_t* out = to.data();
  for (int y = 0; y < height; ++y) {
    std::int64_t x_fixed = inverse.x0 + inverse.xy * y, y_fixed = inverse.y0 + inverse.yy * y;
    for (int x = 0; x < width; ++x, out += 3, x_fixed += inverse.xx, y_fixed += inverse.yx) {
      const std::int64_t from_x = x_fixed >> 16, from_y = y_fixed >> 16;
      if (from_x < 0 || from_x >= width || from_y < 0 || from_y >= height) {
        out[0] = out[1] = out[2] = 0;
        continue;
      }
      const std::uint8_t* in = from.data() + 3 * (from_y * width + (flip ? width - 1 - from_x : from_x));
      out[0] = in[0];
      out[1] = in[1];
      out[2] = in[2];
    }
  }
}

Image rotate(const Image& image, double degrees) {
  Image result{image.width, image.height, std::vector<std::uint8_t>(image.rgb.size())};
  flip_and_rotate(image.rgb, image.width, image.height, false, degrees, result.rgb);
  return result;
}

Image flip_horizontal(const Image& image) {
  Image result{image.width, image.height, std::vector<std::uint8_t>(image.rgb.size())};
  flip_and_rotate(image.rgb, image.width, image.height, true, 0, result.rgb);
  return result;
}

}  // namespace tern
