#include "apps/page/heat_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

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

/// Of pixel `at` of `extent` among the middles of `places` places: four of them with their weights, by Catmull and Rom's
/// cubic, which goes through the places' own values without creases.
struct Taps {
  std::array<std::int64_t, 4> places;
  std::array<float, 4> weights;

  Taps(int at, int extent, std::int64_t count) {
    const float middle =
        (static_cast<float>(at) + 0.5f) * static_cast<float>(count) / static_cast<float>(extent) - 0.5f;
    const float inside = std::clamp(middle, 0.0f, static_cast<float>(count - 1));
    const auto first = static_cast<std::int64_t>(inside);
    const float t = inside - static_cast<float>(first);
    for (std::int64_t i = 0; i < 4; ++i)
      places[static_cast<std::size_t>(i)] = std::clamp<std::int64_t>(first - 1 + i, 0, count - 1);
    weights = {0.5f * t * (t * (2 - t) - 1), 0.5f * (t * t * (3 * t - 5) + 2),
               0.5f * t * (t * (4 - 3 * t) + 1), 0.5f * t * t * (t - 1)};
  }
};

}  // namespace

Image heat_picture(const Image& image, std::span<const float> heat, std::int64_t rows, std::int64_t columns) {
  const float largest = *std::max_element(heat.begin(), heat.end());
  const auto at = [&](std::int64_t row, std::int64_t column) {
    return heat[static_cast<std::size_t>(row * columns + column)] / (largest > 0 ? largest : 1);
  };
  std::vector<Taps> across;
  for (int x = 0; x < image.width; ++x) across.emplace_back(x, image.width, columns);
  Image picture{image.width, image.height, {}};
  picture.rgb.reserve(image.rgb.size());
  for (int y = 0; y < image.height; ++y) {
    const Taps row(y, image.height, rows);
    for (int x = 0; x < image.width; ++x) {
      const Taps& column = across[static_cast<std::size_t>(x)];
      float value = 0;
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t j = 0; j < 4; ++j)
          value += row.weights[i] * column.weights[j] * at(row.places[i], column.places[j]);
      }
      const Colour colour = colour_of(value);
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
