#include "engine/metrics/confusion.h"

#include <string>

#include "engine/core/check.h"

namespace tern {

ConfusionMatrix::ConfusionMatrix(std::int32_t class_count) : class_count_(class_count) {
  if (class_count < 1) throw Error("confusion matrix", "at least one class", std::to_string(class_count));
  counts_.resize(static_cast<std::size_t>(class_count) * static_cast<std::size_t>(class_count));
}

void ConfusionMatrix::add(std::int32_t truth, std::int32_t prediction) {
  for (const std::int32_t index : {truth, prediction}) {
    if (index < 0 || index >= class_count_) {
      throw Error("confusion matrix", "classes in 0.." + std::to_string(class_count_ - 1),
                  std::to_string(index));
    }
  }
  ++counts_[static_cast<std::size_t>(truth) * static_cast<std::size_t>(class_count_) +
            static_cast<std::size_t>(prediction)];
  ++total_;
}

std::int64_t ConfusionMatrix::at(std::int32_t truth, std::int32_t prediction) const {
  return counts_.at(static_cast<std::size_t>(truth) * static_cast<std::size_t>(class_count_) +
                    static_cast<std::size_t>(prediction));
}

std::int64_t ConfusionMatrix::images(std::int32_t truth) const {
  std::int64_t sum = 0;
  for (std::int32_t c = 0; c < class_count_; ++c) sum += at(truth, c);
  return sum;
}

std::int64_t ConfusionMatrix::answers(std::int32_t prediction) const {
  std::int64_t sum = 0;
  for (std::int32_t c = 0; c < class_count_; ++c) sum += at(c, prediction);
  return sum;
}

std::int64_t ConfusionMatrix::correct() const {
  std::int64_t sum = 0;
  for (std::int32_t c = 0; c < class_count_; ++c) sum += at(c, c);
  return sum;
}

Percent ConfusionMatrix::balanced_accuracy() const {
  double sum = 0;
  int classes = 0;
  for (std::int32_t c = 0; c < class_count_; ++c) {
    if (const Percent recall = percent(at(c, c), images(c))) sum += *recall, ++classes;
  }
  if (classes == 0) return std::nullopt;
  return sum / classes;
}

ConfusionMatrix confusion_matrix(std::span<const std::int32_t> truth,
                                 std::span<const std::int32_t> predictions, std::int32_t class_count) {
  if (truth.size() != predictions.size()) {
    throw Error("confusion matrix", std::to_string(truth.size()) + " predictions",
                std::to_string(predictions.size()));
  }
  ConfusionMatrix matrix(class_count);
  for (std::size_t i = 0; i < truth.size(); ++i) matrix.add(truth[i], predictions[i]);
  return matrix;
}

std::vector<ClassRates> class_table(const ConfusionMatrix& matrix) {
  std::vector<ClassRates> table;
  for (std::int32_t c = 0; c < matrix.class_count(); ++c) {
    ClassRates row;
    row.images = matrix.images(c);
    row.answers = matrix.answers(c);
    row.correct = matrix.at(c, c);
    for (std::int32_t other = 0; other < matrix.class_count(); ++other) {
      if (other == c || matrix.at(c, other) <= row.taken_for) continue;
      row.most_taken_for = other;
      row.taken_for = matrix.at(c, other);
    }
    table.push_back(row);
  }
  return table;
}

}  // namespace tern
