#include "engine/tensor/shape.h"

#include <algorithm>

#include "engine/core/check.h"

namespace tern {

Shape::Shape(std::initializer_list<std::int64_t> extents) {
  assign({extents.begin(), extents.size()});
}

Shape::Shape(std::span<const std::int64_t> extents) {
  assign(extents);
}

void Shape::assign(std::span<const std::int64_t> extents) {
  if (extents.size() > kMaxRank) {
    throw Error("shape", "at most " + std::to_string(kMaxRank) + " axes", std::to_string(extents.size()));
  }
  constexpr std::int64_t kMaxElements = std::int64_t{1} << 62;
  std::int64_t elements = 1;
  for (const std::int64_t extent : extents) {
    if (extent < 0) throw Error("shape", "extents >= 0", std::to_string(extent));
    if (extent > 0 && elements > kMaxElements / extent) throw Error("shape", "at most 2^62 elements", "more");
    elements *= std::max<std::int64_t>(extent, 1);
    extents_[rank_++] = extent;
  }
}

std::int64_t Shape::operator[](int axis) const {
  const int index = axis < 0 ? axis + rank_ : axis;
  if (index < 0 || index >= rank_) throw Error("shape " + text(), "an axis of it", std::to_string(axis));
  return extents_[index];
}

std::int64_t Shape::numel() const {
  std::int64_t elements = 1;
  for (const std::int64_t extent : *this) elements *= extent;
  return elements;
}

std::string Shape::text() const {
  std::string result = "[";
  for (int axis = 0; axis < rank_; ++axis) {
    if (axis > 0) result += ", ";
    result += std::to_string(extents_[axis]);
  }
  return result + "]";
}

bool Shape::operator==(const Shape& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

}  // namespace tern
