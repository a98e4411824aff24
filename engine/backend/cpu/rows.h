// What the primitives on rows of classes share: vectorised views of a row, and a row's softmax.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>

namespace tern::cpu {

using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

/// Rows that make a range worth a thread of its own.
inline std::int64_t row_grain(std::int64_t columns) {
  return std::max<std::int64_t>(4096 / std::max<std::int64_t>(columns, 1), 1);
}

/// The sum of an array expression: in single precision within blocks, in double between them, so that the
/// error does not grow with the length.
template <typename Expression>
double blocked_sum(const Eigen::ArrayBase<Expression>& values) {
  constexpr Eigen::Index kBlock = 1024;
  double sum = 0;
  for (Eigen::Index begin = 0; begin < values.size(); begin += kBlock) {
    sum += static_cast<double>(values.segment(begin, std::min(kBlock, values.size() - begin)).sum());
  }
  return sum;
}

}  // namespace tern::cpu
