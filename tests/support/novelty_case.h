// A case of tests/goldens/novelty_scores.txt as the scores take it.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/novelty_logits.h"
#include "tests/support/goldens.h"

namespace tern::test {

inline const std::vector<std::string>& novelty_case_names() {
  static const std::vector<std::string> names{"all_known", "novel_column", "few_rows"};
  return names;
}

struct NoveltyCase {
  GoldenCase golden;
  std::vector<float> train, test, weight, bias, train_logits, test_logits, origin;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> known;
  std::int64_t columns = 0, classes = 0;

  explicit NoveltyCase(const std::string& name) : golden(read_goldens("novelty_scores.txt").at(name)) {
    train = floats("train"), test = floats("test"), weight = floats("weight"), bias = floats("bias");
    train_logits = floats("train_logits"), test_logits = floats("test_logits"), origin = floats("origin");
    labels = golden.integers("labels");
    for (const std::int32_t flag : golden.integers("known")) known.push_back(static_cast<std::uint8_t>(flag));
    columns = golden.array("train").last();
    classes = golden.array("train_logits").last();
  }

  Rows train_rows() const { return {train, columns}; }
  Rows test_rows() const { return {test, columns}; }
  Rows train_logit_rows() const { return {train_logits, classes}; }
  Rows test_logit_rows() const { return {test_logits, classes}; }
  std::int64_t number(const char* name) const { return golden.integers(name)[0]; }

  /// x W' + b, in double precision.
  HeadFunction head() const {
    return [this](const Rows& rows) {
      std::vector<float> logits;
      for (std::int64_t i = 0; i < rows.count(); ++i) {
        for (std::int64_t c = 0; c < classes; ++c) {
          double sum = bias[static_cast<std::size_t>(c)];
          for (std::int64_t d = 0; d < columns; ++d) {
            sum += static_cast<double>(rows.row(i)[static_cast<std::size_t>(d)]) *
                   weight[static_cast<std::size_t>(c * columns + d)];
          }
          logits.push_back(static_cast<float>(sum));
        }
      }
      return logits;
    };
  }

  std::vector<float> floats(const char* name) const {
    const std::vector<double>& values = golden.array(name).values;
    return {values.begin(), values.end()};
  }
};

/// The largest difference from the golden array, relative to its values where they are over 1 in magnitude.
inline double largest_error(const std::vector<double>& values, const reference::Array& wanted) {
  if (static_cast<std::int64_t>(values.size()) != wanted.size()) return INFINITY;
  double worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double error = std::abs(values[i] - wanted.values[i]) / std::max(1.0, std::abs(wanted.values[i]));
    worst = std::isnan(error) ? INFINITY : std::max(worst, error);
  }
  return worst;
}

}  // namespace tern::test
