#include "apps/measure/class_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/measure/level_groups.h"

namespace tern {
namespace {

struct Row {
  std::size_t index = 0;
  std::int64_t right = 0;  ///< answers that are right, "novel" for a held-out class
  ClassRates rates;
  Percent recall() const { return percent(right, rates.images); }
};

std::vector<Row> rows_of(const ClassReport& report) {
  const std::vector<ClassRates> table = class_table(report.matrix);
  const std::int32_t novel = report.matrix.class_count() - 1;
  std::vector<Row> rows;
  for (std::size_t c = 0; c < table.size(); ++c) {
    const auto index = static_cast<std::int32_t>(c);
    Row row{c, table[c].correct, table[c]};
    if (report.held_out[c]) {  // "novel" is right: what else is it taken for?
      row.right = report.matrix.at(index, novel);
      row.rates.most_taken_for = -1;
      row.rates.taken_for = 0;
      for (std::int32_t other = 0; other < novel; ++other) {
        const std::int64_t images = report.matrix.at(index, other);
        if (images > row.rates.taken_for) row.rates.most_taken_for = other, row.rates.taken_for = images;
      }
    }
    rows.push_back(row);
  }
  return rows;
}

/// A name's first synonym.
std::string short_name(const std::string& name) {
  return name.substr(0, std::min<std::size_t>(name.find(','), 30));
}

}  // namespace

ClassReport make_class_report(const StudyData& data, Level level, const Answers& validation,
                              const Answers& pseudo_novel) {
  const std::vector<std::int32_t>& labels = data.dataset.labels(level);
  ClassReport report;
  report.level = level;
  report.names = data.dataset.classes.names(level);
  report.held_out.resize(report.names.size(), 0);
  report.matrix = confusion_matrix(labels_of(labels, data.split.validation), validation.classes,
                                   static_cast<std::int32_t>(report.names.size()));
  if (level == Level::super) return report;
  for (const std::int32_t subclass : data.split.held_out)
    report.held_out[static_cast<std::size_t>(subclass)] = 1;
  const std::vector<std::int32_t> truth = labels_of(labels, data.split.pseudo_novel);
  for (std::size_t i = 0; i < truth.size(); ++i) report.matrix.add(truth[i], pseudo_novel.classes[i]);
  return report;
}

Json ClassReport::classes_json() const {
  const std::int32_t novel = matrix.class_count() - 1;
  Json json = Json::array();
  for (const Row& row : rows_of(*this)) {
    const auto index = static_cast<std::int32_t>(row.index);
    Json entry = {{"index", row.index},
                  {"name", names[row.index]},
                  {"held_out", held_out[row.index] != 0},
                  {"images", row.rates.images},
                  {"answers", row.rates.answers},
                  {"right", row.right},
                  {"called_novel", matrix.at(index, novel)}};
    const auto add = [&](const char* name, Percent value) {
      if (value) entry[name] = *value;
    };
    add("recall_percent", row.recall());
    if (!held_out[row.index]) {  // never answered, if it is masked
      add("precision_percent", row.rates.precision());
      add("f1_percent", row.rates.f1());
    }
    if (row.rates.most_taken_for >= 0) {
      entry["most_taken_for"] = row.rates.most_taken_for;
      entry["taken_for_images"] = row.rates.taken_for;
    }
    json.push_back(std::move(entry));
  }
  return json;
}

Json ClassReport::confusion_json() const {
  Json json = Json::array();
  for (std::int32_t truth = 0; truth < matrix.class_count(); ++truth) {
    Json row = Json::array();
    for (std::int32_t answer = 0; answer < matrix.class_count(); ++answer)
      row.push_back(matrix.at(truth, answer));
    json.push_back(std::move(row));
  }
  return json;
}

std::string ClassReport::text(std::size_t most_rows) const {
  std::vector<Row> rows = rows_of(*this);
  std::erase_if(rows, [](const Row& row) { return row.rates.images == 0; });
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return *a.recall() < *b.recall(); });
  const std::size_t all = rows.size();
  rows.resize(std::min(rows.size(), most_rows));
  const bool some = rows.size() < all;
  std::string text = fmt::format("\n{}classes{}: {:<30} {:>6} {:>9} {:>9}  {}\n", name_of(level),
                                 some ? fmt::format(", the {} worst of {}", rows.size(), all) : "", "",
                                 "images", "recall", "precision", "most taken for");
  for (const Row& row : rows) {
    const Percent precision = row.rates.precision();
    const std::int32_t other = row.rates.most_taken_for;
    text += fmt::format("  {:>3} {:<41} {:>6} {:>7.1f} % {:>9}  {}\n", row.index,
                        short_name(names[row.index]) + (held_out[row.index] ? " (held out)" : ""),
                        row.rates.images, *row.recall(),
                        precision && !held_out[row.index] ? fmt::format("{:.1f} %", *precision) : "-",
                        other < 0 ? "-"
                                  : fmt::format("{} ({})", short_name(names[static_cast<std::size_t>(other)]),
                                                row.rates.taken_for));
  }
  return text;
}

}  // namespace tern
