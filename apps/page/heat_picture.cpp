#include "apps/page/heat_picture.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tern {
namespace {

constexpr float kColour = 0.55f;  // of the picture; the rest is the image, in grey

using Colour = std::array<float, 3>;

/// The stops of matplotlib's "inferno", whose brightness rises evenly: readable without colour vision, too.
Colour colour_of(float heat) {
  static constexpr Colour kStops[] = {
      {0, 0, 4}, {87, 16, 110}, {188, 55, 84}, {249, 142, 9}, {252, 255, 164}};
  const float place = std::clamp(heat, 0.0f, 1.0f) * 4;
  const auto below = std::min<std::size_t>(static_cast<std::size_t>(place), 3);
  const float share = place - static_cast<float>(below);
  Colour colour;
  for (std::size_t c = 0; c < 3; ++c)
    colour[c] = (1 - share) * kStops[below][c] + share * kStops[below + 1][c];
  return colour;
}

/// Where pixel `at` of `extent` lies between the middles of `places` places.
struct Between {
  std::int64_t first, second;
  float share;  ///< of the second

  Between(int at, int extent, std::int64_t places) {
    const float middle =
        (static_cast<float>(at) + 0.5f) * static_cast<float>(places) / static_cast<float>(extent) - 0.5f;
    const float inside = std::clamp(middle, 0.0f, static_cast<float>(places - 1));
    first = static_cast<std::int64_t>(inside);
    second = std::min(first + 1, places - 1);
    share = inside - static_cast<float>(first);
  }
};

}  // namespace

Image heat_picture(const Image& image, std::span<const float> heat, std::int64_t rows, std::int64_t columns) {
  const float largest = *std::max_element(heat.begin(), heat.end());
  const auto at = [&](std::int64_t row, std::int64_t column) {
    return heat[static_cast<std::size_t>(row * columns + column)] / (largest > 0 ? largest : 1);
  };
  Image picture{image.width, image.height, {}};
  picture.rgb.reserve(image.rgb.size());
  for (int y = 0; y < image.height; ++y) {
    const Between row(y, image.height, rows);
    for (int x = 0; x < image.width; ++x) {
      const Between column(x, image.width, columns);
      const float above =
          (1 - column.share) * at(row.first, column.first) + column.share * at(row.first, column.second);
      const float below =
          (1 - column.share) * at(row.second, column.first) + column.share * at(row.second, column.second);
      const Colour colour = colour_of((1 - row.share) * above + row.share * below);
      const std::uint8_t* rgb =
          image.rgb.data() + 3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                                  static_cast<std::size_t>(x));
      const float grey = 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
      for (const float part : colour)
        picture.rgb.push_back(static_cast<std::uint8_t>(std::lround(kColour * part + (1 - kColour) * grey)));
    }
  }
  return picture;
}

}  // namespace tern
