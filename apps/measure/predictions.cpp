#include "apps/measure/predictions.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "apps/measure/calibration_file.h"
#include "engine/io/csv.h"
#include "engine/metrics/conformal.h"

namespace tern {
namespace {

/// The most probable class but for the answered one, among those that may be answered.
std::int32_t second_choice(std::span<const float> logits, const std::vector<std::uint8_t>& allowed,
                           std::int32_t answer) {
  std::int32_t best = -1;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    if (allowed[c] == 0 || static_cast<std::int32_t>(c) == answer) continue;
    if (best < 0 || logits[c] > logits[static_cast<std::size_t>(best)]) best = static_cast<std::int32_t>(c);
  }
  return best;
}

/// 0 where the most probable class is the novel one.
double confidence_of(const Answers& answers, std::size_t image, std::int32_t novel) {
  return answers.most_probable.classes[image] == novel ? 0 : answers.confidences[image];
}

PredictionDetails details_of(const Predictor& predictor, Level level, const Scores& scores,
                             const Answers& answers) {
  const Run& run = predictor.runs.front();
  const std::vector<double> held_out = held_out_confidences(run, predictor.choices())[level];
  std::vector<double> known;  // a higher score is more novel
  for (const double confidence : held_out) known.push_back(-confidence);
  const std::optional<ConformalPValues> p_values =
      known.empty() ? std::nullopt : std::optional<ConformalPValues>(std::in_place, known);
  const std::vector<std::uint8_t> allowed = allowed_classes(run, predictor.decision.mask_untrained, level);
  const Rows logits{scores.logits[level], static_cast<std::int64_t>(allowed.size())};
  const Answers alone = answer_level(run, predictor.decision, level, scores);
  // Those of joint answers are probabilities of being right, which no tau is held against.
  const Answers& decided = predictor.decision.joint ? alone : answers;
  const std::int32_t novel = static_cast<std::int32_t>(allowed.size()) - 1;
  PredictionDetails details;
  for (std::int64_t i = 0; i < logits.count(); ++i) {
    const auto number = static_cast<std::size_t>(i);
    details.confidences.push_back(confidence_of(decided, number, novel));
    details.alone.push_back(confidence_of(alone, number, novel));
    if (p_values) details.p_values.push_back(p_values->p_value(-details.alone.back()));
    details.second_choices.push_back(second_choice(logits.row(i), allowed, answers.classes[number]));
  }
  return details;
}

std::vector<std::string> header_of(const PredictionColumns& columns) {
  std::vector<std::string> header{"image", "superclass_index", "subclass_index"};
  if (columns.names) header.insert(header.end(), {"superclass", "subclass"});
  if (columns.probabilities) header.insert(header.end(), {"superclass_probability", "subclass_probability"});
  for (const Level level : kLevels) {
    if (!columns.details) continue;
    for (const char* column : {"confidence", "p_value", "second_index"}) {
      header.push_back(fmt::format("{}class_{}", name_of(level), column));
    }
  }
  return header;
}

/// Of image `i`.
std::vector<std::string> row_of(const std::vector<std::string>& names, const ClassTable& classes,
                                const Predictions& predictions, const PredictionColumns& columns,
                                std::size_t i) {
  const ByLevel<Answers>& answers = predictions.answers;
  std::vector<std::string> row{names[i], fmt::format("{}", answers.super.classes[i]),
                               fmt::format("{}", answers.sub.classes[i])};
  for (const Level level : kLevels) {
    if (columns.names)
      row.push_back(classes.names(level)[static_cast<std::size_t>(answers[level].classes[i])]);
  }
  for (const Level level : kLevels) {
    if (columns.probabilities)
      row.push_back(fmt::format("{:.6f}", answers[level].most_probable.probabilities[i]));
  }
  for (const Level level : kLevels) {
    if (!columns.details) continue;
    const PredictionDetails& of = predictions.details[level];
    row.insert(row.end(), {fmt::format("{:.6g}", of.confidences[i]),
                           of.p_values.empty() ? "" : fmt::format("{:.6f}", of.p_values[i]),
                           fmt::format("{}", of.second_choices[i])});
  }
  return row;
}

}  // namespace

Level Predictions::least_known(std::int64_t image) const {
  const auto i = static_cast<std::size_t>(image);
  return details.super.alone[i] < details.sub.alone[i] ? Level::super : Level::sub;
}

double Predictions::novelty(std::int64_t image) const {
  return 1 - details[least_known(image)].alone[static_cast<std::size_t>(image)];
}

Predictions make_predictions(const Predictor& predictor, const Scores& scores, bool with_details) {
  Predictions predictions;
  predictions.answers = answer_levels(predictor.runs.front(), predictor.decision, scores);
  if (!with_details) return predictions;
  for (const Level level : kLevels) {
    predictions.details[level] = details_of(predictor, level, scores, predictions.answers[level]);
  }
  return predictions;
}

void write_predictions(AtomicFile& file, const std::vector<std::string>& names, const ClassTable& classes,
                       const Predictions& predictions, const PredictionColumns& columns) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::string text = csv_line(header_of(columns));
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += csv_line(row_of(names, classes, predictions, columns, i));
    if (text.size() < kPiece) continue;
    file.write(text);
    text.clear();
  }
  file.write(text);
}

}  // namespace tern
