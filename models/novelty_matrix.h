// Rows as Eigen's matrices in double precision. For the sources of novelty scores; no header includes it.
#pragma once

#include <vector>

#include <Eigen/Dense>

#include "models/novelty_rows.h"

namespace tern {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using MatrixView = Eigen::Map<const Matrix>;
using VectorView = Eigen::Map<const Eigen::VectorXd>;

inline Matrix to_matrix(const Rows& rows) {
  using Floats = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const Floats>(rows.values.data(), rows.count(), rows.columns).cast<double>();
}

inline MatrixView view(const std::vector<double>& values, std::int64_t columns) {
  return {values.data(), columns == 0 ? 0 : static_cast<std::int64_t>(values.size()) / columns, columns};
}

inline VectorView view(const std::vector<double>& values) {
  return {values.data(), static_cast<std::int64_t>(values.size())};
}

template <typename Derived>
std::vector<double> to_values(const Eigen::MatrixBase<Derived>& matrix) {
  std::vector<double> values(static_cast<std::size_t>(matrix.size()));
  Eigen::Map<Matrix>(values.data(), matrix.rows(), matrix.cols()) = matrix;
  return values;
}

}  // namespace tern
