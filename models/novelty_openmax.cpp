#include "models/novelty_openmax.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "engine/core/parallel.h"

namespace tern {
namespace {

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

void check_training(const Rows& logits, std::span<const std::int32_t> labels, KnownColumns known,
                    const OpenMaxOptions& options) {
  check_training_rows("openmax", "logits", logits);
  check_known("openmax", logits, known);
  if (static_cast<std::int64_t>(labels.size()) != logits.count()) {
    throw Error("openmax", std::to_string(logits.count()) + " labels", std::to_string(labels.size()));
  }
  for (const std::int32_t label : labels) {
    if (label >= 0 && label < logits.columns && is_known(known, label)) continue;
    throw Error("openmax", "labels of known classes", std::to_string(label));
  }
  if (options.tail < 2) throw Error("openmax", "a tail of at least 2", std::to_string(options.tail));
  if (options.top < 1) throw Error("openmax", "at least one revised class", std::to_string(options.top));
}

}  // namespace

double Weibull::cumulative(double x) const {
  return x > 0 ? -std::expm1(-std::pow(x / scale, shape)) : 0;
}

Weibull fit_weibull(std::span<const double> values) {
  if (values.empty()) throw Error("weibull", "at least one value", "none");
  double largest = 0;
  for (const double value : values) {
    if (!(value > 0) || !std::isfinite(value)) throw Error("weibull", "values over 0", std::to_string(value));
    largest = std::max(largest, value);
  }
  const auto n = static_cast<double>(values.size());
  double mean_log = 0;
  for (const double value : values) mean_log += std::log(value / largest) / n;
  // The likelihood's derivative by the shape k: sum y^k log y / sum y^k - 1 / k - mean log y, y = value /
  // largest. It rises with k, from -infinity.
  const auto derivative = [&](double k) {
    double sum = 0, weighted = 0;
    for (const double value : values) {
      const double log_value = std::log(value / largest), power = std::exp(k * log_value);
      sum += power;
      weighted += power * log_value;
    }
    return weighted / sum - 1 / k - mean_log;
  };
  double low = std::log(1e-4), high = std::log(kSteepestShape);
  if (derivative(kSteepestShape) <= 0) low = high;
  while (high - low > 1e-13) {
    const double middle = (low + high) / 2;
    (derivative(std::exp(middle)) < 0 ? low : high) = middle;
  }
  const double shape = std::exp((low + high) / 2);
  double mean_power = 0;
  for (const double value : values) mean_power += std::pow(value / largest, shape) / n;
  return {shape, largest * std::pow(mean_power, 1 / shape)};
}

OpenMax::OpenMax(const Rows& training_logits, std::span<const std::int32_t> labels, KnownColumns known,
                 const OpenMaxOptions& options)
    : options_(options), columns_(training_logits.columns) {
  check_training(training_logits, labels, known, options);
  std::vector<std::size_t> place(static_cast<std::size_t>(columns_));  // of a column among classes_
  for (std::int64_t c = 0; c < columns_; ++c) {
    place[static_cast<std::size_t>(c)] = classes_.size();
    if (is_known(known, c)) {
      classes_.push_back({c, 0, {}, 0, {}});
    } else {
      others_.push_back(c);
    }
  }
  std::vector<std::vector<std::vector<double>>> right(classes_.size());
  std::vector<std::int64_t> rows(classes_.size(), 0);
  for (std::int64_t i = 0; i < training_logits.count(); ++i) {
    const std::size_t label = place[static_cast<std::size_t>(labels[static_cast<std::size_t>(i)])];
    ++rows[label];
    std::vector<double> row = activations(training_logits.row(i));
    const auto answer = static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    if (answer == label) right[label].push_back(std::move(row));
  }
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    if (rows[c] == 0) continue;
    if (right[c].empty()) {
      throw Error("openmax",
                  "a training row of class " + std::to_string(classes_[c].column) + " answered rightly",
                  "none of " + std::to_string(rows[c]));
    }
    fit_class(classes_[c], right[c]);
  }
}

void OpenMax::fields(auto& self, auto& state) {
  state("tail", self.options_.tail);
  state("top", self.options_.top);
  state("columns", self.columns_);
  state("others", self.others_);
  for (std::size_t i = 0; i < self.classes_.size(); ++i) {
    auto& model = self.classes_[i];
    auto of_class = state.inside("class_" + std::to_string(i));
    of_class("column", model.column);
    of_class("fitted", model.fitted);
    of_class("mean", model.mean);
    of_class("least", model.least);
    of_class("shape", model.tail.shape);
    of_class("scale", model.tail.scale);
  }
}

OpenMax::OpenMax(NoveltyStateReader& state) {
  std::int64_t known = 0;
  state("classes", known);
  check_state("openmax classes", known, 1, 1 << 20);
  classes_.resize(static_cast<std::size_t>(known));
  fields(*this, state);
  check_state("openmax top", options_.top, 1, std::numeric_limits<std::int32_t>::max());
  const auto count = static_cast<std::int64_t>(classes_.size());
  for (const std::int64_t column : others_) check_state("openmax column", column, 0, columns_ - 1);
  for (const ClassModel& model : classes_) {
    check_state("openmax column", model.column, 0, columns_ - 1);
    const std::int64_t numbers = model.fitted == 0 ? 0 : count;
    check_state("openmax mean", static_cast<std::int64_t>(model.mean.size()), numbers, numbers);
  }
}

void OpenMax::write(NoveltyStateWriter& state) const {
  state("classes", static_cast<std::int64_t>(classes_.size()));
  fields(*this, state);
}

std::vector<double> OpenMax::activations(std::span<const float> row) const {
  std::vector<double> values;
  values.reserve(classes_.size());
  for (const ClassModel& model : classes_) values.push_back(row[static_cast<std::size_t>(model.column)]);
  return values;
}

void OpenMax::fit_class(ClassModel& model, const std::vector<std::vector<double>>& rows) {
  model.mean.assign(classes_.size(), 0.0);
  for (const auto& row : rows) {
    for (std::size_t k = 0; k < row.size(); ++k) model.mean[k] += row[k] / static_cast<double>(rows.size());
  }
  std::vector<double> tail;
  for (const auto& row : rows) tail.push_back(distance(row, model.mean));
  std::sort(tail.rbegin(), tail.rend());
  tail.resize(std::min(tail.size(), static_cast<std::size_t>(options_.tail)));
  model.least = tail.back();
  for (double& value : tail) value += 1 - model.least;
  model.tail = fit_weibull(tail);
  model.fitted = 1;
}

double OpenMax::row_novelty(std::span<const float> row) const {
  const std::vector<double> z = activations(row);
  std::vector<std::size_t> order(z.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t top = std::min(z.size(), static_cast<std::size_t>(options_.top));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(),
                    [&](std::size_t a, std::size_t b) { return z[a] != z[b] ? z[a] > z[b] : a < b; });
  std::vector<double> revised = z;
  double unknown = 0;
  for (std::size_t i = 0; i < top; ++i) {
    const ClassModel& model = classes_[order[i]];
    if (model.fitted == 0) continue;
    const double share = static_cast<double>(top - i) / static_cast<double>(top);
    const double weight = share * model.tail.cumulative(distance(z, model.mean) + 1 - model.least);
    revised[order[i]] = z[order[i]] * (1 - weight);
    unknown += z[order[i]] * weight;
  }
  const auto best = std::max_element(revised.begin(), revised.end());
  const double best_logit = *best;
  *best = unknown;  // what is left are the others
  for (const std::int64_t column : others_) revised.push_back(row[static_cast<std::size_t>(column)]);
  const double largest = *std::max_element(revised.begin(), revised.end());
  double sum = 0;
  for (const double logit : revised) sum += std::exp(logit - largest);
  return largest + std::log(sum) - best_logit;
}

std::vector<double> OpenMax::novelty(const Rows& logits) const {
  check_rows("openmax", "logits", logits);
  check_columns("openmax", logits, columns_);
  std::vector<double> scores(static_cast<std::size_t>(logits.count()));
  parallel_for(logits.count(), 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      scores[static_cast<std::size_t>(i)] = row_novelty(logits.row(i));
  });
  return scores;
}

}  // namespace tern
