// Which class is taken for which: the confusion matrix, and what a table by class says of it.
//
//   recall(c) = right answers / images of c      precision(c) = right answers / answers c
//   balanced accuracy = mean recall of the classes that have images
//
// Pairs that never came are not kept: memory and time grow with the classes and with the pairs that came, not with the square of
// the classes.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "engine/metrics/accuracy.h"

namespace tern {

class ConfusionMatrix {
 public:
  /// All zero. Throws Error{"confusion matrix", ...} if class_count < 1.
  explicit ConfusionMatrix(std::int32_t class_count);

  /// Throws Error{"confusion matrix", ...} for a class outside 0 .. class_count - 1.
  void add(std::int32_t truth, std::int32_t prediction);

  std::int32_t class_count() const { return class_count_; }
  std::int64_t at(std::int32_t truth, std::int32_t prediction) const;
  /// What is not 0 of a row, by prediction.
  const std::map<std::int32_t, std::int64_t>& row(std::int32_t truth) const;
  std::int64_t images(std::int32_t truth) const;        ///< a row's sum
  std::int64_t answers(std::int32_t prediction) const;  ///< a column's sum
  std::int64_t correct() const;                         ///< the diagonal's sum
  std::int64_t total() const { return total_; }

  Percent accuracy() const { return percent(correct(), total_); }
  Percent balanced_accuracy() const;

 private:
  std::int32_t class_count_;
  std::int64_t total_ = 0;
  std::vector<std::map<std::int32_t, std::int64_t>> rows_;  ///< by truth
  std::vector<std::int64_t> images_, answers_;              ///< sums of rows and of columns
};

/// The matrix of a whole set. Throws Error if the lengths differ, and what add() throws.
ConfusionMatrix confusion_matrix(std::span<const std::int32_t> truth,
                                 std::span<const std::int32_t> predictions, std::int32_t class_count);

/// A class's row of the table.
struct ClassRates {
  std::int64_t images = 0, answers = 0, correct = 0;
  std::int32_t most_taken_for = -1;  ///< the class that most of its images are wrongly taken for, -1: none
  std::int64_t taken_for = 0;        ///< how many

  Percent recall() const { return percent(correct, images); }
  Percent precision() const { return percent(correct, answers); }
  Percent f1() const { return percent(2 * correct, images + answers); }
};
std::vector<ClassRates> class_table(const ConfusionMatrix& matrix);

}  // namespace tern
