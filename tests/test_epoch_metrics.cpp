#include "apps/train/epoch_metrics.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "tests/support/files.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

EpochMetrics metrics_of(const char* model, std::int64_t epoch) {
  EpochMetrics metrics;
  metrics.model = model;
  metrics.epoch = epoch;
  metrics.train_loss = 0.5;
  metrics.train_accuracy.super = 75;
  metrics.validation.super.add(0, 0, 3);
  metrics.validation.super.add(3, 1, 3);
  return metrics;
}

}  // namespace

TEST_CASE("epoch_metrics: metrics.csv has a row an epoch and model, and forgets rows that are made again") {
  const test::TemporaryFolder folder;
  const fs::path path = folder / "metrics.csv";
  {
    MetricsFile file(path);
    file.append(metrics_of("super", 1));
    file.append(metrics_of("super", 2));
    file.append(metrics_of("sub", 1));
  }
  MetricsFile file(path);
  file.keep_until("super", 1);
  file.append(metrics_of("super", 2));
  const CsvTable table = read_csv(path);
  REQUIRE(table.rows.size() == 3);
  CHECK(table.rows[0][0] == "super");
  CHECK(table.rows[1][0] == "sub");
  CHECK(table.rows[2][1] == "2");
  CHECK(table.number(0, table.column("train_loss")) == 0.5);
  CHECK(table.number(0, table.column("val_super_accuracy_with_extra_percent")) == 50);
  CHECK(table.number(0, table.column("val_super_accuracy_seen_percent")) == 100);
  CHECK(table.rows[0][table.column("val_sub_accuracy_seen_percent")].empty());
}

TEST_CASE("epoch_metrics: a metrics.csv of other columns is refused") {
  const test::TemporaryFolder folder;
  write_file(folder / "metrics.csv", "model,epoch\nsuper,1\n");
  CHECK_THROWS_WITH_AS(MetricsFile(folder / "metrics.csv"), Contains("columns"), Error);
}

TEST_CASE("epoch_metrics: metrics as JSON leave out what was not measured") {
  const Json json = to_json(metrics_of("super", 4));
  CHECK(json.at("epoch") == 4);
  CHECK(json.at("train_super_accuracy_percent") == 75);
  CHECK_FALSE(json.contains("train_sub_accuracy_percent"));
}
