#include "tests/reference/reference.h"

#include <algorithm>
#include <cmath>

namespace tern::reference {

Array transpose(const Array& x) {
  const std::int64_t rows = x.shape[1], columns = x.shape[2];
  Array y({x.shape[0], columns, rows});
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t matrix = i / columns / rows, row = i / columns % rows, column = i % columns;
    y[(matrix * columns + column) * rows + row] = x[i];
  }
  return y;
}

namespace {

/// One axis of a twofold enlargement: pixel i is 3/4 of the source pixel it lies in and 1/4 of the next one.
double enlarged(double own, double next) {
  return std::floor(0.75 * own + 0.25 * next + 0.5);
}

/// The byte at (x, y) of the image of `size`, before flip and rotation.
double pixel(const std::vector<std::uint8_t>& from, int source_size, int size, int x, int y, int channel) {
  const auto at = [&](int column, int row) {
    column = std::min(std::max(column, 0), source_size - 1);
    row = std::min(std::max(row, 0), source_size - 1);
    return static_cast<double>(from[static_cast<std::size_t>((row * source_size + column) * 3 + channel)]);
  };
  if (source_size == size) return at(x, y);
  const int column = x / 2, row = y / 2, dx = x % 2 == 0 ? -1 : 1, dy = y % 2 == 0 ? -1 : 1;
  return enlarged(enlarged(at(column, row), at(column + dx, row)),
                  enlarged(at(column, row + dy), at(column + dx, row + dy)));
}

}  // namespace

Array augment(const std::vector<std::uint8_t>& bytes, int source_size, int size, bool flip,
              const std::array<std::int64_t, 6>& rotation, const Array& table) {
  const auto& [xx, xy, x0, yx, yy, y0] = rotation;
  Array result({size, size, 3});
  for (std::int64_t i = 0; i < result.size(); ++i) {
    const std::int64_t channel = i % 3, x = i / 3 % size, y = i / 3 / size;
    const double from_x = std::floor(static_cast<double>(xx * x + xy * y + x0) / 65536);
    const double from_y = std::floor(static_cast<double>(yx * x + yy * y + y0) / 65536);
    const bool inside = from_x >= 0 && from_x < size && from_y >= 0 && from_y < size;
    const int column = static_cast<int>(flip ? size - 1 - from_x : from_x);
    const double byte =
        inside ? pixel(bytes, source_size, size, column, static_cast<int>(from_y), static_cast<int>(channel))
               : 0;
    result[i] = table[channel * 256 + static_cast<std::int64_t>(byte)];
  }
  return result;
}

}  // namespace tern::reference
