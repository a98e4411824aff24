// What the CPU forms of ops on rows of classes share: vectorised views of a row, loops over rows, exact sums.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>

#include "engine/core/parallel.h"
#include "engine/tensor/tensor.h"

namespace tern::cpu {

using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

/// Rows that make a range worth a thread of its own.
inline std::int64_t row_grain(std::int64_t columns) {
  return std::max<std::int64_t>(4096 / std::max<std::int64_t>(columns, 1), 1);
}

/// Calls body(r) for every row of x [rows, columns], in parallel. Nothing is called if rows are empty.
template <typename Body>
void for_each_row(const Tensor& x, Body body) {
  if (x.size(1) == 0) return;
  parallel_for(x.size(0), row_grain(x.size(1)), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) body(r);
  });
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
