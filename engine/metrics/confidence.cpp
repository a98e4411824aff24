#include "engine/metrics/confidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

void check_sizes(std::size_t logits, std::int32_t class_count, std::span<const std::uint8_t> allowed) {
  if (class_count < 1 || logits % static_cast<std::size_t>(class_count) != 0) {
    throw Error("most_probable", "whole rows of " + std::to_string(class_count) + " logits",
                std::to_string(logits) + " logits");
  }
  if (allowed.empty()) return;
  if (allowed.size() != static_cast<std::size_t>(class_count)) {
    throw Error("most_probable", "a flag for each of " + std::to_string(class_count) + " classes",
                std::to_string(allowed.size()));
  }
  if (std::all_of(allowed.begin(), allowed.end(), [](std::uint8_t flag) { return flag == 0; })) {
    throw Error("most_probable", "at least one class left", "none");
  }
}

}  // namespace

MostProbable most_probable(std::span<const float> logits, std::int32_t class_count,
                           std::span<const std::uint8_t> allowed) {
  check_sizes(logits.size(), class_count, allowed);
  const auto classes = static_cast<std::size_t>(class_count);
  const auto is_allowed = [&](std::size_t c) { return allowed.empty() || allowed[c] != 0; };
  MostProbable result;
  for (std::size_t begin = 0; begin < logits.size(); begin += classes) {
    const std::span<const float> row = logits.subspan(begin, classes);
    std::size_t best = classes;
    for (std::size_t c = 0; c < classes; ++c) {
      if (is_allowed(c) && (best == classes || row[c] > row[best])) best = c;
    }
    double sum = 0;  // of exp(logit - largest logit): the largest softmax value is 1 / sum
    for (std::size_t c = 0; c < classes; ++c) {
      if (is_allowed(c)) sum += std::exp(static_cast<double>(row[c]) - row[best]);
    }
    result.classes.push_back(static_cast<std::int32_t>(best));
    result.probabilities.push_back(static_cast<float>(1 / sum));
  }
  return result;
}

MostProbable most_probable_within(std::span<const float> logits, std::int32_t class_count,
                                  std::span<const std::uint8_t> allowed,
                                  std::span<const std::int32_t> group_of_class,
                                  std::span<const std::int32_t> group_of_row) {
  MostProbable result = most_probable(logits, class_count, allowed);
  if (group_of_class.size() != static_cast<std::size_t>(class_count) ||
      group_of_row.size() != result.classes.size()) {
    throw Error("most_probable", "a group for each class and row",
                std::to_string(group_of_class.size()) + " and " + std::to_string(group_of_row.size()));
  }
  const auto classes = static_cast<std::size_t>(class_count);
  for (std::size_t r = 0; r < result.classes.size(); ++r) {
    const std::span<const float> row = logits.subspan(r * classes, classes);
    std::size_t best = classes;
    for (std::size_t c = 0; c < classes; ++c) {
      const bool within = group_of_class[c] == group_of_row[r] || group_of_class[c] == kEveryGroup;
      const bool is_allowed = allowed.empty() || allowed[c] != 0;
      if (within && is_allowed && (best == classes || row[c] > row[best])) best = c;
    }
    const auto most_probable_class = static_cast<std::size_t>(result.classes[r]);
    if (best == most_probable_class) continue;
    result.classes[r] = best == classes ? class_count - 1 : static_cast<std::int32_t>(best);
    // p of the best within = p of the best of all * exp(difference of their logits).
    result.probabilities[r] =
        best == classes
            ? 0
            : static_cast<float>(result.probabilities[r] *
                                 std::exp(static_cast<double>(row[best]) - row[most_probable_class]));
  }
  return result;
}

std::vector<std::int32_t> threshold(const MostProbable& rows, double tau, std::int32_t novel_index) {
  std::vector<std::int32_t> predictions = rows.classes;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    // In single precision, where tau and the probability are both rounded, as NumPy and PyTorch compare f32
    // with .99.
    if (!(rows.probabilities[i] >= static_cast<float>(tau))) predictions[i] = novel_index;
  }
  return predictions;
}

}  // namespace tern
