#include "models/cosine_neighbours.h"

#include <Eigen/Dense>
#include <algorithm>
#include <numeric>

namespace tern {
namespace {

constexpr const char* kSubject = "cosine neighbours";
constexpr std::int64_t kQueriesAtOnce = 64;  // whose products are held at a time

using Matrix32 = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Rows of length 1, or 0.
Matrix32 directions(const Rows& rows, std::int64_t begin, std::int64_t end) {
  Matrix32 matrix =
      Eigen::Map<const Matrix32>(rows.values.data() + begin * rows.columns, end - begin, rows.columns);
  for (std::int64_t i = 0; i < matrix.rows(); ++i) {
    const float largest = matrix.row(i).cwiseAbs().maxCoeff();
    if (largest > 0)
      matrix.row(i) = (matrix.row(i) / largest).normalized();  // squares of tiny ones would be 0
  }
  return matrix;
}

}  // namespace

std::vector<std::vector<CosineNeighbour>> cosine_neighbours(const Rows& queries, const Rows& known,
                                                            std::size_t count) {
  check_rows(kSubject, "features", queries);
  check_rows(kSubject, "features", known);
  check_columns(kSubject, queries, known.columns);
  const Matrix32 of_known = directions(known, 0, known.count());
  std::vector<std::int64_t> order(static_cast<std::size_t>(known.count()));
  std::vector<std::vector<CosineNeighbour>> neighbours;
  for (std::int64_t begin = 0; begin < queries.count(); begin += kQueriesAtOnce) {
    const std::int64_t end = std::min(queries.count(), begin + kQueriesAtOnce);
    const Matrix32 cosines = directions(queries, begin, end) * of_known.transpose();
    for (std::int64_t i = 0; i < end - begin; ++i) {
      std::iota(order.begin(), order.end(), std::int64_t{0});
      const auto last = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, order.size()));
      std::partial_sort(order.begin(), last, order.end(), [&](std::int64_t a, std::int64_t b) {
        return cosines(i, a) != cosines(i, b) ? cosines(i, a) > cosines(i, b) : a < b;
      });
      std::vector<CosineNeighbour>& of_row = neighbours.emplace_back();
      for (auto row = order.begin(); row != last; ++row)
        of_row.push_back({*row, std::clamp(cosines(i, *row), -1.0f, 1.0f)});
    }
  }
  return neighbours;
}

}  // namespace tern
