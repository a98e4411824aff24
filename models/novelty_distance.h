// Novelty scores that measure how far a feature vector x lies from the training part's. A higher score
// means more novel.
//
//   KNN                    | x/|x| - n_k |, n_k the k-th nearest of the normalised training vectors
//                          (Sun et al. 2022)
//   Mahalanobis            min_c (x - m_c)' S^-1 (x - m_c), m_c the means of the classes, S their shared
//                          covariance (Lee et al. 2018)
//   relative Mahalanobis   the same less (x - m)' S0^-1 (x - m), m and S0 of all rows together
//                          (Ren et al. 2021)
//
// A covariance of n rows divides by n, and is shrunk towards a multiple of the identity so that it can be
// inverted where features are many or dead:  (1 - s) S + s trace(S) / D I. Without a given s, it is the one
// of least expected error after Ledoit and Wolf 2004, from the rows themselves. S0 is shrunk by the same s
// towards the same multiple, so that S0 is never under S: with multiples of their own, the relative score of
// a row far outside would tell their difference and nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/novelty_rows.h"
#include "models/novelty_state.h"

namespace tern {

class NearestNeighbours {
 public:
  /// Throws Error{"knn", ...} if a number is not finite, a row is zero, or k is not in 1 .. number of rows.
  NearestNeighbours(const Rows& training_features, std::int64_t k = 50);
  explicit NearestNeighbours(NoveltyStateReader& state);
  void write(NoveltyStateWriter& state) const;

  /// Throws Error{"knn", ...} for other columns than in training and numbers that are not finite. A row of
  /// zeros has no direction: it is 1 from everything, as its zeros are from a unit vector. The neighbours are
  /// found in single precision, the distance of the k-th is exact.
  std::vector<double> novelty(const Rows& features) const {
    return novelty(features, std::span(&k_, 1)).front();
  }
  /// The same for each of several k: [ks, rows].
  std::vector<std::vector<double>> novelty(const Rows& features, std::span<const std::int64_t> ks) const;

  /// The training rows, each of length 1.
  Rows training_directions() const { return {training_, columns_}; }

 private:
  static void fields(auto& self, auto& state);

  std::int64_t k_ = 0, columns_ = 0;
  std::vector<float> training_;  ///< normalised
};

class Mahalanobis {
 public:
  /// labels: the class of each row, 0 .. class_count - 1; classes without rows are left out. Throws
  /// Error{"mahalanobis", ...} if a number is not finite, the sizes disagree, fewer than two classes have
  /// rows, the shrinkage is not in [0, 1], or the covariance cannot be inverted. With `normalize` each feature
  /// vector is first divided by its length, which evens out classes of long and short ones (Müller and Hein 2025,
  /// "Mahalanobis++").
  Mahalanobis(const Rows& training_features, std::span<const std::int32_t> labels, std::int32_t class_count,
              std::optional<double> shrinkage = std::nullopt, bool normalize = false);
  Mahalanobis(NoveltyStateReader& state, bool normalize);
  void write(NoveltyStateWriter& state) const;

  std::vector<double> novelty(const Rows& features) const;
  std::vector<double> relative_novelty(const Rows& features) const;

  double shrinkage() const { return shrinkage_; }

 private:
  /// L^-1 x for each row, L the factor of a covariance.
  std::vector<double> whitened(const std::vector<double>& rows, const std::vector<double>& factor) const;
  std::vector<double> centred(const Rows& features) const;  ///< less the mean of all training rows
  static void fields(auto& self, auto& state);

  std::int64_t columns_ = 0;
  bool normalize_ = false;
  std::vector<double> mean_;   ///< of all training rows, [D]
  std::vector<double> means_;  ///< of each class that has rows, less mean_, whitened by the shared covariance
  double shrinkage_ = 0;
  std::vector<double> shared_, total_;  ///< lower triangular L with L L' = the covariance, [D, D]
};

}  // namespace tern
