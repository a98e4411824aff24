#include "models/novelty_distance.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/core/parallel.h"
#include "models/novelty_matrix.h"

namespace tern {
namespace {

using FloatMatrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void normalise_rows(Matrix& rows) {
  for (std::int64_t i = 0; i < rows.rows(); ++i) {
    const double norm = rows.row(i).norm();
    if (norm > 0) rows.row(i) /= norm;
  }
}

/// In double precision, of length 1 if asked for.
Matrix to_rows(const Rows& features, bool normalize) {
  Matrix rows = to_matrix(features);
  if (normalize) normalise_rows(rows);
  return rows;
}

/// Ledoit and Wolf's shrinkage of the covariance S = X'X / n of centred rows X [n, D]: the estimated error of
/// S over its distance from the identity's multiple, in 0 .. 1.
double ledoit_wolf(const Matrix& centred, const Matrix& covariance) {
  const auto n = static_cast<double>(centred.rows()), d = static_cast<double>(centred.cols());
  const double trace = covariance.trace(), squares = covariance.squaredNorm();
  const double fourth = centred.rowwise().squaredNorm().squaredNorm();  // sum over rows of |x|^4
  const double error = (fourth / n - squares) / n;
  const double distance = squares - trace * trace / d;
  if (!(distance > 0) || error >= distance) return 1;
  return std::max(error, 0.0) / distance;
}

/// X'X / n of centred rows X.
Matrix covariance_of(const Matrix& centred) {
  Matrix covariance = Matrix::Zero(centred.cols(), centred.cols());
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(centred.transpose(),
                                                        1.0 / static_cast<double>(centred.rows()));
  covariance.triangularView<Eigen::StrictlyUpper>() = covariance.transpose();
  return covariance;
}

/// The lower triangular factor of (1 - shrinkage) covariance + shrinkage scale I.
std::vector<double> factor_of(Matrix covariance, double shrinkage, double scale) {
  covariance *= 1 - shrinkage;
  covariance.diagonal().array() += shrinkage * scale;
  const Eigen::LLT<Matrix> factor(covariance);
  // Rounding may let a singular matrix pass; its factor then has a diagonal of next to nothing.
  const Matrix lower = factor.matrixL();
  const bool regular =
      factor.info() == Eigen::Success && lower.diagonal().minCoeff() > 1e-7 * lower.diagonal().maxCoeff();
  check(regular, "mahalanobis", "a covariance that can be inverted, or a shrinkage over 0", "a singular one");
  return to_values(lower);
}

}  // namespace

NearestNeighbours::NearestNeighbours(const Rows& training_features, std::int64_t k)
    : k_(k), columns_(training_features.columns) {
  check_training_rows("knn", "features", training_features);
  if (k < 1 || k > training_features.count()) {
    throw Error("knn", "k in 1.." + std::to_string(training_features.count()) + ", the training rows",
                std::to_string(k));
  }
  const Matrix rows = to_rows(training_features, true);
  training_.resize(static_cast<std::size_t>(rows.size()));
  Eigen::Map<FloatMatrix>(training_.data(), rows.rows(), rows.cols()) = rows.cast<float>();
}

void NearestNeighbours::fields(auto& self, auto& state) {
  state("columns", self.columns_);
  state("k", self.k_);
  state("training", self.training_);
}

NearestNeighbours::NearestNeighbours(NoveltyStateReader& state) {
  fields(*this, state);
  const auto numbers = static_cast<std::int64_t>(training_.size());
  check_state("knn columns", columns_, 1, numbers);
  check_state("knn numbers beyond whole rows", numbers % columns_, 0, 0);
  check_state("knn k", k_, 1, numbers / columns_);
}

void NearestNeighbours::write(NoveltyStateWriter& state) const {
  fields(*this, state);
}

std::vector<std::vector<double>> NearestNeighbours::novelty(const Rows& features,
                                                            std::span<const std::int64_t> ks) const {
  check_rows("knn", "features", features);
  check_columns("knn", features, columns_);
  const Matrix rows = to_rows(features, true);
  const FloatMatrix float_rows = rows.cast<float>();
  const Eigen::Map<const FloatMatrix> training(
      training_.data(), static_cast<std::int64_t>(training_.size()) / columns_, columns_);
  for (const std::int64_t k : ks) {
    if (k < 1 || k > training.rows()) {
      throw Error("knn", "k in 1.." + std::to_string(training.rows()) + ", the training rows",
                  std::to_string(k));
    }
  }
  std::vector<std::vector<double>> scores(ks.size(),
                                          std::vector<double>(static_cast<std::size_t>(features.count())));
  constexpr std::int64_t kBlock = 64;  // rows whose products with all training rows are held at once
  parallel_for((features.count() + kBlock - 1) / kBlock, 1, [&](std::int64_t first, std::int64_t last) {
    std::vector<std::int64_t> order(static_cast<std::size_t>(training.rows()));
    for (std::int64_t begin = first * kBlock; begin < std::min(last * kBlock, features.count());
         begin += kBlock) {
      const std::int64_t count = std::min(kBlock, features.count() - begin);
      const FloatMatrix products = float_rows.middleRows(begin, count) * training.transpose();
      for (std::int64_t i = 0; i < count; ++i) {
        std::iota(order.begin(), order.end(), std::int64_t{0});
        for (std::size_t number = 0; number < ks.size(); ++number) {
          const auto nth = order.begin() + (ks[number] - 1);
          std::nth_element(order.begin(), nth, order.end(),
                           [&](auto a, auto b) { return products(i, a) > products(i, b); });
          // From the difference: sqrt(2 - 2 product) would lose the digits of small distances.
          scores[number][static_cast<std::size_t>(begin + i)] =
              (rows.row(begin + i) - training.row(*nth).cast<double>()).norm();
        }
      }
    }
  });
  return scores;
}

Mahalanobis::Mahalanobis(const Rows& training_features, std::span<const std::int32_t> labels,
                         std::int32_t class_count, std::optional<double> shrinkage, bool normalize)
    : columns_(training_features.columns), normalize_(normalize) {
  check_training_rows("mahalanobis", "features", training_features);
  const std::int64_t n = training_features.count();
  if (static_cast<std::int64_t>(labels.size()) != n) {
    throw Error("mahalanobis", std::to_string(n) + " labels", std::to_string(labels.size()));
  }
  if (shrinkage && !(*shrinkage >= 0 && *shrinkage <= 1)) {
    throw Error("mahalanobis", "a shrinkage in 0..1", std::to_string(*shrinkage));
  }
  Matrix rows = to_rows(training_features, normalize);
  const Eigen::RowVectorXd mean = rows.colwise().mean();
  mean_ = to_values(mean);
  rows.rowwise() -= mean;
  Matrix sums = Matrix::Zero(class_count, columns_);
  std::vector<std::int64_t> counts(static_cast<std::size_t>(std::max(class_count, 0)), 0);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t label = labels[static_cast<std::size_t>(i)];
    if (label < 0 || label >= class_count) {
      throw Error("mahalanobis", "labels in 0.." + std::to_string(class_count - 1), std::to_string(label));
    }
    sums.row(label) += rows.row(i);
    ++counts[static_cast<std::size_t>(label)];
  }
  std::vector<double> means;
  for (std::int32_t c = 0; c < class_count; ++c) {
    if (counts[static_cast<std::size_t>(c)] == 0) continue;
    sums.row(c) /= static_cast<double>(counts[static_cast<std::size_t>(c)]);
    means.insert(means.end(), sums.row(c).begin(), sums.row(c).end());
  }
  if (static_cast<std::int64_t>(means.size()) < 2 * columns_) {
    throw Error("mahalanobis", "training rows of at least two classes", "of one");
  }
  const Matrix total = covariance_of(rows);
  for (std::int64_t i = 0; i < n; ++i) rows.row(i) -= sums.row(labels[static_cast<std::size_t>(i)]);
  const Matrix shared = covariance_of(rows);
  shrinkage_ = shrinkage ? *shrinkage : ledoit_wolf(rows, shared);
  const double scale = shared.trace() / static_cast<double>(columns_);
  shared_ = factor_of(shared, shrinkage_, scale);
  total_ = factor_of(total, shrinkage_, scale);
  means_ = whitened(means, shared_);
}

void Mahalanobis::fields(auto& self, auto& state) {
  state("columns", self.columns_);
  state("mean", self.mean_, self.columns_);
  state("means", self.means_);
  state("shrinkage", self.shrinkage_);
  state("shared", self.shared_, self.columns_ * self.columns_);
  state("total", self.total_, self.columns_ * self.columns_);
}

Mahalanobis::Mahalanobis(NoveltyStateReader& state, bool normalize) : normalize_(normalize) {
  fields(*this, state);
  const auto numbers = static_cast<std::int64_t>(means_.size());
  check_state("mahalanobis columns", columns_, 1, numbers / 2);
  check_state("mahalanobis numbers beyond whole means", numbers % columns_, 0, 0);
}

void Mahalanobis::write(NoveltyStateWriter& state) const {
  fields(*this, state);
}

std::vector<double> Mahalanobis::whitened(const std::vector<double>& rows,
                                          const std::vector<double>& factor) const {
  const MatrixView triangle = view(factor, columns_), all = view(rows, columns_);
  std::vector<double> result(rows.size());
  parallel_for(all.rows(), 64, [&](std::int64_t begin, std::int64_t end) {
    Matrix columns = all.middleRows(begin, end - begin).transpose();
    triangle.triangularView<Eigen::Lower>().solveInPlace(columns);
    Eigen::Map<Matrix>(result.data(), all.rows(), columns_).middleRows(begin, end - begin) =
        columns.transpose();
  });
  return result;
}

std::vector<double> Mahalanobis::centred(const Rows& features) const {
  check_rows("mahalanobis", "features", features);
  check_columns("mahalanobis", features, columns_);
  Matrix rows = to_rows(features, normalize_);
  rows.rowwise() -= view(mean_).transpose();
  return to_values(rows);
}

std::vector<double> Mahalanobis::novelty(const Rows& features) const {
  const std::vector<double> white = whitened(centred(features), shared_);
  const MatrixView rows = view(white, columns_), means = view(means_, columns_);
  // |x - m|^2 = |x|^2 - 2 x'm + |m|^2
  const Eigen::RowVectorXd squared_means = means.rowwise().squaredNorm().transpose();
  std::vector<double> scores(static_cast<std::size_t>(features.count()));
  parallel_for(features.count(), 64, [&](std::int64_t begin, std::int64_t end) {
    const auto block = rows.middleRows(begin, end - begin);
    const Matrix distances = (-2 * block * means.transpose()).rowwise() + squared_means;
    for (std::int64_t i = begin; i < end; ++i) {
      scores[static_cast<std::size_t>(i)] =
          std::max(0.0, distances.row(i - begin).minCoeff() + rows.row(i).squaredNorm());
    }
  });
  return scores;
}

std::vector<double> Mahalanobis::relative_novelty(const Rows& features) const {
  std::vector<double> scores = novelty(features);
  const std::vector<double> white = whitened(centred(features), total_);
  const MatrixView rows = view(white, columns_);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    scores[i] -= rows.row(static_cast<std::int64_t>(i)).squaredNorm();
  }
  return scores;
}

}  // namespace tern
