// Random rectangles against the means that torchvision's have (tests/goldens/make_random_boxes_goldens.py).
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "data/random_purpose.h"
#include "engine/core/random.h"
#include "tests/support/goldens.h"

namespace tern::test {

/// draw(size, random) gives height, width, top, left of a box.
template <typename Draw>
void check_boxes(const char* name, Draw&& draw) {
  CAPTURE(name);
  const GoldenCase golden = read_goldens("random_boxes.txt").at(name);
  const int size = static_cast<int>(golden.array("size")[0]);
  RandomStream random(11, random_purpose::test);
  constexpr int kDraws = 40000;
  std::array<double, 7> sums{}, squares{};
  for (int i = 0; i < kDraws; ++i) {
    const auto [height, width, top, left] = draw(size, random);
    const double h = height, w = width;
    const std::array<double, 7> values{
        h, w, static_cast<double>(top), static_cast<double>(left), h * h, w * w, h * w};
    for (std::size_t k = 0; k < values.size(); ++k) {
      sums[k] += values[k];
      squares[k] += values[k] * values[k];
    }
  }
  for (std::size_t k = 0; k < sums.size(); ++k) {
    CAPTURE(k);
    const double mean = sums[k] / kDraws, deviation = std::sqrt(squares[k] / kDraws - mean * mean);
    // Five deviations of the mean; torchvision's, of ten times as many, is nearer to the true one.
    CHECK(std::abs(mean - golden.array("means")[static_cast<std::int64_t>(k)]) <
          5.5 * deviation / std::sqrt(kDraws));
  }
}

}  // namespace tern::test
