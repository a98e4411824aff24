#include "engine/metrics/confusion.h"

#include <string>

#include "engine/core/check.h"

namespace tern {

ConfusionMatrix::ConfusionMatrix(std::int32_t class_count) : class_count_(class_count) {
  if (class_count < 1) throw Error("confusion matrix", "at least one class", std::to_string(class_count));
  const auto count = static_cast<std::size_t>(class_count);
  rows_.resize(count);
  images_.resize(count);
  answers_.resize(count);
}

void ConfusionMatrix::add(std::int32_t truth, std::int32_t prediction) {
  for (const std::int32_t index : {truth, prediction}) {
    if (index < 0 || index >= class_count_) {
      throw Error("confusion matrix", "classes in 0.." + std::to_string(class_count_ - 1),
                  std::to_string(index));
    }
  }
  ++rows_[static_cast<std::size_t>(truth)][prediction];
  ++images_[static_cast<std::size_t>(truth)];
  ++answers_[static_cast<std::size_t>(prediction)];
  ++total_;
}

const std::map<std::int32_t, std::int64_t>& ConfusionMatrix::row(std::int32_t truth) const {
  return rows_.at(static_cast<std::size_t>(truth));
}

std::int64_t ConfusionMatrix::at(std::int32_t truth, std::int32_t prediction) const {
  const auto found = row(truth).find(prediction);
  return found == row(truth).end() ? 0 : found->second;
}

std::int64_t ConfusionMatrix::images(std::int32_t truth) const {
  return images_.at(static_cast<std::size_t>(truth));
}

std::int64_t ConfusionMatrix::answers(std::int32_t prediction) const {
  return answers_.at(static_cast<std::size_t>(prediction));
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
    for (const auto& [other, count] : matrix.row(c)) {
      if (other == c || count <= row.taken_for) continue;
      row.most_taken_for = other;
      row.taken_for = count;
    }
    table.push_back(row);
  }
  return table;
}

}  // namespace tern
