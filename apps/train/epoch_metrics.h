// metrics.csv of a run: what each epoch of each model measured.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/levels.h"
#include "engine/io/json.h"
#include "engine/metrics/accuracy.h"

namespace tern {

/// One row of metrics.csv. Accuracies "with extra" count CIFAR images, as the reference does.
struct EpochMetrics {
  std::string model;
  std::int64_t epoch = 0;  ///< from 1
  double train_loss = 0;
  /// With extra (but with outlier exposure), on augmented images, as training goes on; of mixed images that which
  /// has the larger share counts.
  ByLevel<Percent> train_accuracy;
  double validation_loss = 0;
  ByLevel<NoveltyCounts> validation;
  Percent score;  ///< what chooses the best checkpoint
  double learning_rate = 0;
  double seconds = 0;  ///< of training, without validation
  double images_per_second = 0;
  double loader_wait_seconds = 0;
  double validation_seconds = 0;
};

/// The values of a row by column name, without `model` and `epoch`; none where nothing was measured.
std::vector<std::pair<std::string, std::optional<double>>> metric_values(const EpochMetrics& metrics);
Json to_json(const EpochMetrics& metrics);

/// metrics.csv, rewritten whole with each row. Holds its text: some 200 bytes an epoch.
class MetricsFile {
 public:
  /// Reads the rows that are there. Throws Error{path, ...} for other columns, and epochs that are no numbers.
  explicit MetricsFile(std::filesystem::path path);
  /// The last epoch of `model`; 0 if there is none.
  std::int64_t last_epoch(const std::string& model) const;
  /// Forgets the rows of `model` after `epoch`: a resumed run makes them again.
  void keep_until(const std::string& model, std::int64_t epoch);
  void append(const EpochMetrics& metrics);

 private:
  std::filesystem::path path_;
  std::string text_;
};

}  // namespace tern
