#include "models/novelty_vim.h"

#include <algorithm>

#include "models/novelty_logits.h"
#include "models/novelty_matrix.h"

namespace tern {
namespace {

std::int64_t paper_dimension(std::int64_t features) {
  if (features >= 2048) return 1000;
  if (features >= 768) return 512;
  return features / 2;
}

void check_pair(const Rows& features, const Rows& logits) {
  check_rows("vim", "features", features);
  check_rows("vim", "logits", logits);
  if (features.count() == logits.count()) return;
  throw Error("vim", "logits for " + std::to_string(features.count()) + " rows",
              std::to_string(logits.count()));
}

double mean(const std::vector<double>& values) {
  return view(values).mean();
}

}  // namespace

std::vector<float> head_origin(const Rows& weight, std::span<const float> bias) {
  check_rows("vim", "weights", weight);
  if (static_cast<std::int64_t>(bias.size()) != weight.count()) {
    throw Error("vim", std::to_string(weight.count()) + " biases", std::to_string(bias.size()));
  }
  const Eigen::VectorXd wanted = -to_matrix({bias, 1});
  const Eigen::VectorXd origin = to_matrix(weight).completeOrthogonalDecomposition().solve(wanted);
  return {origin.begin(), origin.end()};
}

Vim::Vim(const Rows& training_features, const Rows& training_logits, KnownColumns known,
         const VimOptions& options)
    : columns_(training_features.columns),
      classes_(training_logits.columns),
      known_(known.begin(), known.end()),
      origin_(options.origin.begin(), options.origin.end()) {
  check_training_rows("vim", "features", training_features);
  check_pair(training_features, training_logits);
  check_known("vim", training_logits, known);
  if (origin_.empty()) origin_.resize(static_cast<std::size_t>(columns_), 0.0);
  if (static_cast<std::int64_t>(origin_.size()) != columns_) {
    throw Error("vim", "an origin of " + std::to_string(columns_) + " numbers",
                std::to_string(origin_.size()));
  }
  const std::int64_t dimension = options.dimension == 0 ? paper_dimension(columns_) : options.dimension;
  if (dimension < 1 || dimension >= columns_) {
    throw Error("vim", "a dimension in 1.." + std::to_string(columns_ - 1), std::to_string(dimension));
  }
  Matrix rows = to_matrix(training_features);
  rows.rowwise() -= view(origin_).transpose();
  Eigen::MatrixXd covariance = Eigen::MatrixXd::Zero(columns_, columns_);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(rows.transpose(),
                                                        1.0 / static_cast<double>(rows.rows()));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(covariance);  // eigenvalues rise
  directions_ = to_values(solver.eigenvectors().leftCols(columns_ - dimension));

  const double residual = mean(residuals(training_features));
  const double spread = std::sqrt(std::max(solver.eigenvalues().maxCoeff(), 0.0));
  if (!(residual > 1e-7 * spread)) {
    throw Error("vim", "training features of more than " + std::to_string(dimension) + " dimensions",
                "no more");
  }
  alpha_ = -mean(max_logit_novelty(training_logits, known)) / residual;
}

void Vim::fields(auto& self, auto& state) {
  state("columns", self.columns_);
  state("classes", self.classes_);
  state("known", self.known_);
  state("origin", self.origin_, self.columns_);
  state("directions", self.directions_);
  state("alpha", self.alpha_);
}

Vim::Vim(NoveltyStateReader& state) {
  fields(*this, state);
  const auto numbers = static_cast<std::int64_t>(directions_.size());
  check_state("vim columns", columns_, 1, numbers);
  check_state("vim numbers beyond whole directions", numbers % columns_, 0, 0);
  if (!known_.empty()) check_state("vim known", static_cast<std::int64_t>(known_.size()), classes_, classes_);
}

void Vim::write(NoveltyStateWriter& state) const {
  fields(*this, state);
}

std::vector<double> Vim::residuals(const Rows& features) const {
  Matrix rows = to_matrix(features);
  rows.rowwise() -= view(origin_).transpose();
  const std::int64_t kept = static_cast<std::int64_t>(directions_.size()) / columns_;
  return to_values((rows * view(directions_, kept)).rowwise().norm());
}

std::vector<double> Vim::novelty(const Rows& features, const Rows& logits) const {
  check_pair(features, logits);
  check_columns("vim", features, columns_);
  check_columns("vim", logits, classes_);
  std::vector<double> scores = energy_novelty(logits, known_);
  const std::vector<double> outside = residuals(features);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += alpha_ * outside[i];
  return scores;
}

}  // namespace tern
