#include "apps/measure/class_report.h"

#include <utility>

#include "apps/measure/level_groups.h"

namespace tern {
namespace {

/// For a held-out class "novel" is right: what else is it taken for?
void count_as_held_out(ClassRow& row, const ConfusionMatrix& matrix, std::int32_t index) {
  row.held_out = true;
  row.right = row.called_novel;
  row.rates.most_taken_for = -1;
  row.rates.taken_for = 0;
  for (const auto& [other, images] : matrix.row(index)) {
    if (other == matrix.class_count() - 1 || images <= row.rates.taken_for) continue;
    row.rates.most_taken_for = other;
    row.rates.taken_for = images;
  }
}

std::vector<ClassRow> rows_of(const ConfusionMatrix& matrix, const std::vector<std::string>& names) {
  std::vector<ClassRow> rows;
  for (const ClassRates& rates : class_table(matrix)) {
    const auto index = static_cast<std::int32_t>(rows.size());
    rows.push_back(
        {names[rows.size()], false, rates.correct, matrix.at(index, matrix.class_count() - 1), rates});
  }
  return rows;
}

}  // namespace

ClassReport make_class_report(const StudyData& data, Level level, const Answers& validation,
                              const Answers& pseudo_novel) {
  const std::vector<std::int32_t>& labels = data.dataset.labels(level);
  const std::vector<std::string>& names = data.dataset.classes.names(level);
  ConfusionMatrix matrix = confusion_matrix(labels_of(labels, data.split.validation), validation.classes,
                                            static_cast<std::int32_t>(names.size()));
  if (level == Level::super) return {level, rows_of(matrix, names), matrix};
  const std::vector<std::int32_t> truth = labels_of(labels, data.split.pseudo_novel);
  for (std::size_t i = 0; i < truth.size(); ++i) matrix.add(truth[i], pseudo_novel.classes[i]);
  ClassReport report{level, rows_of(matrix, names), matrix};
  for (const std::int32_t subclass : data.split.held_out) {
    count_as_held_out(report.rows[static_cast<std::size_t>(subclass)], matrix, subclass);
  }
  return report;
}

}  // namespace tern
