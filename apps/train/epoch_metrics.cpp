#include "apps/train/epoch_metrics.h"

#include <fmt/format.h>
#include <algorithm>

#include <cstddef>

#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"

namespace tern {

std::vector<std::pair<std::string, std::optional<double>>> metric_values(const EpochMetrics& m) {
  return {{"train_loss", m.train_loss},
          {"train_super_accuracy_percent", m.train_accuracy.super},
          {"train_sub_accuracy_percent", m.train_accuracy.sub},
          {"val_loss", m.validation_loss},
          {"val_super_accuracy_with_extra_percent", m.validation.super.accuracy()},
          {"val_super_accuracy_seen_percent", m.validation.super.seen_accuracy()},
          {"val_super_accuracy_novel_percent", m.validation.super.novel_accuracy()},
          {"val_sub_accuracy_with_extra_percent", m.validation.sub.accuracy()},
          {"val_sub_accuracy_seen_percent", m.validation.sub.seen_accuracy()},
          {"val_sub_accuracy_novel_percent", m.validation.sub.novel_accuracy()},
          {"score_percent", m.score},
          {"learning_rate", m.learning_rate},
          {"seconds", m.seconds},
          {"images_per_second", m.images_per_second},
          {"loader_wait_seconds", m.loader_wait_seconds},
          {"validation_seconds", m.validation_seconds}};
}

Json to_json(const EpochMetrics& metrics) {
  Json json;
  json["epoch"] = metrics.epoch;
  for (const auto& [name, value] : metric_values(metrics)) {
    if (value) json[name] = *value;
  }
  return json;
}

namespace {

std::string header_line() {
  std::vector<std::string> header{"model", "epoch"};
  for (const auto& [name, value] : metric_values({})) header.push_back(name);
  return csv_line(header);
}

std::string row_line(const EpochMetrics& metrics) {
  std::vector<std::string> row{metrics.model, fmt::format("{}", metrics.epoch)};
  for (const auto& [name, value] : metric_values(metrics)) {
    row.push_back(value ? fmt::format("{:.9g}", *value) : "");
  }
  return csv_line(row);
}

std::string text_of(const std::vector<std::vector<std::string>>& rows) {
  std::string text = header_line();
  for (const std::vector<std::string>& row : rows) text += csv_line(row);
  return text;
}

}  // namespace

MetricsFile::MetricsFile(std::filesystem::path path) : path_(std::move(path)), text_(header_line()) {
  if (!std::filesystem::exists(path_)) return;
  const CsvTable table = read_csv(path_);
  if (table.header.size() != metric_values({}).size() + 2) {
    throw Error(path_.string(), "the columns of this version of tern", "others");
  }
  for (std::size_t row = 0; row < table.rows.size(); ++row) table.integer(row, 1);
  text_ = text_of(table.rows);
}

std::int64_t MetricsFile::last_epoch(const std::string& model) const {
  std::int64_t last = 0;
  for (const auto& row : parse_csv(path_, text_).rows) {
    if (row[0] == model) last = std::max<std::int64_t>(last, std::stoll(row[1]));
  }
  return last;
}

void MetricsFile::keep_until(const std::string& model, std::int64_t epoch) {
  CsvTable table = parse_csv(path_, text_);
  std::erase_if(table.rows, [&](const auto& row) { return row[0] == model && std::stoll(row[1]) > epoch; });
  text_ = text_of(table.rows);
}

void MetricsFile::append(const EpochMetrics& metrics) {
  text_ += row_line(metrics);
  write_file(path_, text_);
}

}  // namespace tern
