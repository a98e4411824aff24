// The extents of a tensor, outermost first. Rank 0 is a scalar with one element.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace tern {

class Shape {
 public:
  static constexpr int kMaxRank = 8;

  Shape() = default;
  /// Throws Error if an extent is negative, the rank exceeds kMaxRank, or the element count exceeds 2^62.
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const { return rank_; }
  /// Axis may be negative: -1 is the last. Throws Error outside [-rank, rank).
  std::int64_t operator[](int axis) const;
  std::int64_t numel() const;
  const std::int64_t* begin() const { return extents_.data(); }
  const std::int64_t* end() const { return extents_.data() + rank_; }
  std::string text() const;  ///< "[64, 3, 8]"
  bool operator==(const Shape& other) const;

 private:
  void assign(std::span<const std::int64_t> extents);

  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

}  // namespace tern
