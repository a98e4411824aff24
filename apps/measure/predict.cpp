#include "apps/measure/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/measure/calibration_file.h"
#include "apps/measure/predictor.h"
#include "data/image_source.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "engine/metrics/conformal.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

/// That --out can be written, and is nothing that the command reads.
void check_out(const PredictOptions& options, const Run& run) {
  check_writable("--out", options.out);
  check_not_input("--out", options.out, "the labels", options.labels);
  check_not_input("--out", options.out, "the images", options.images);
  if (fs::exists(options.out) && same_file(fs::absolute(options.out).parent_path(), options.images) &&
      ImageSource::open(options.images)->contains(options.out.filename().string())) {
    throw Error("--out " + options.out.string(), "another file than the inputs", "one of the images");
  }
  run.check_not_own("--out", options.out);
}

/// Faults that should be known before minutes of work.
void check_options(const PredictOptions& options, const Run& run) {
  check_out(options, run);
  if (options.allow_held_out) return;
  const auto refuse = [&run](const std::string& what) {
    throw Error(run.folder().string(), "a run trained on every class, or --allow-held-out",
                fmt::format("one that held {} out of training", what));
  };
  const std::size_t held_out = run.held_out_subclasses().size();
  if (held_out > 0) refuse(fmt::format("{} subclass{}", held_out, held_out == 1 ? "" : "es"));
  if (!run.config.hold_out_superclass.empty()) refuse("superclass " + run.config.hold_out_superclass);
}

void check_levels(const EnsembleModels& models, const Run& run) {
  if (models.has(Level::super) && models.has(Level::sub)) return;
  throw Error(run.folder().string() + " levels", "models of both levels",
              models.has(Level::super) ? "only the superclass model" : "only the subclass model");
}

/// More columns of one level, as texts by image.
struct Details {
  std::vector<std::string> confidences, p_values, second_choices;
};

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

/// p-values are empty for a level that was not calibrated.
Details details_of(const Predictor& predictor, Level level, const Scores& scores, const Answers& answers) {
  const Run& run = predictor.runs.front();
  const std::vector<double> held_out = held_out_confidences(run, predictor.choices())[level];
  std::vector<double> known;  // a higher score is more novel
  for (const double confidence : held_out) known.push_back(-confidence);
  const std::optional<ConformalPValues> p_values =
      known.empty() ? std::nullopt : std::optional<ConformalPValues>(std::in_place, known);
  const std::vector<std::uint8_t> allowed = allowed_classes(run, predictor.decision.mask_untrained, level);
  const Rows logits{scores.logits[level], static_cast<std::int64_t>(allowed.size())};
  const Answers plain = answer_level(run, predictor.decision, level, scores);
  const std::int32_t novel = static_cast<std::int32_t>(allowed.size()) - 1;
  Details details;
  for (std::int64_t i = 0; i < logits.count(); ++i) {
    const auto number = static_cast<std::size_t>(i);
    const double confidence = plain.most_probable.classes[number] == novel ? 0 : plain.confidences[number];
    details.confidences.push_back(fmt::format("{:.6g}", confidence));
    details.p_values.push_back(p_values ? fmt::format("{:.6f}", p_values->p_value(-confidence)) : "");
    details.second_choices.push_back(
        fmt::format("{}", second_choice(logits.row(i), allowed, answers.classes[number])));
  }
  return details;
}

std::string csv_text(const PredictOptions& options, const Predictor& predictor, const Dataset& images,
                     const Scores& scores, const ByLevel<Answers>& answers) {
  const ClassTable& classes = predictor.runs.front().classes();
  std::vector<std::string> header{"image", "superclass_index", "subclass_index"};
  if (options.names) header.insert(header.end(), {"superclass", "subclass"});
  if (options.probabilities) header.insert(header.end(), {"superclass_probability", "subclass_probability"});
  ByLevel<Details> details;
  for (const Level level : kLevels) {
    if (!options.details) continue;
    details[level] = details_of(predictor, level, scores, answers[level]);
    for (const char* column : {"confidence", "p_value", "second_index"}) {
      header.push_back(fmt::format("{}class_{}", name_of(level), column));
    }
  }
  std::string text = csv_line(header);
  for (std::size_t i = 0; i < images.names.size(); ++i) {
    std::vector<std::string> row{images.names[i], fmt::format("{}", answers.super.classes[i]),
                                 fmt::format("{}", answers.sub.classes[i])};
    for (const Level level : kLevels) {
      if (options.names)
        row.push_back(classes.names(level)[static_cast<std::size_t>(answers[level].classes[i])]);
    }
    for (const Level level : kLevels) {
      if (options.probabilities)
        row.push_back(fmt::format("{:.6f}", answers[level].most_probable.probabilities[i]));
    }
    for (const Level level : kLevels) {
      if (!options.details) continue;
      const Details& of = details[level];
      row.insert(row.end(), {of.confidences[i], of.p_values[i], of.second_choices[i]});
    }
    text += csv_line(row);
  }
  return text;
}

void print_accuracy(const char* level, const std::vector<std::int32_t>& truth, const Answers& answers,
                    std::int32_t novel) {
  const NoveltyCounts counts = count_novelty(truth, answers.classes, novel);
  const auto text = [](Percent value) {
    return value ? fmt::format("{:6.2f} %", *value) : std::string("     -");
  };
  fmt::print("{:<10} accuracy: overall {}  seen {}  novel {}\n", level, text(counts.accuracy()),
             text(counts.seen_accuracy()), text(counts.novel_accuracy()));
}

/// The images in the sizes of the runs, each size read once.
std::vector<std::shared_ptr<Dataset>> load_for(const std::vector<Run>& runs,
                                               const std::filesystem::path& images) {
  std::vector<std::shared_ptr<Dataset>> datasets;
  for (const Run& run : runs) {
    const auto size = static_cast<int>(run.config.image_size);
    const auto same = std::find_if(datasets.begin(), datasets.end(),
                                   [size](const auto& dataset) { return dataset->image_size == size; });
    datasets.push_back(same != datasets.end() ? *same : std::make_shared<Dataset>(load_images(images, size)));
    datasets.back()->classes = run.classes();
  }
  return datasets;
}

std::vector<const Dataset*> pointers_to(const std::vector<std::shared_ptr<Dataset>>& datasets) {
  std::vector<const Dataset*> pointers;
  for (const auto& dataset : datasets) pointers.push_back(dataset.get());
  return pointers;
}

}  // namespace

int predict(const PredictOptions& options) {
  const Device device = prepare_runtime(options.runtime);
  std::vector<Run> runs = open_ensemble(options.runs);
  for (const Run& run : runs) {
    check_options(options, run);
    fmt::print("{}", run.unfinished_text());
  }
  Predictor predictor(std::move(runs), options.decision, options.views, device, options.memo);
  const Run& run = predictor.runs.front();
  check_levels(predictor.models, run);

  const std::vector<std::shared_ptr<Dataset>> datasets = load_for(predictor.runs, options.images);
  Dataset& images = *datasets.front();
  fmt::print("{}", images.passed_over);
  std::fflush(stdout);
  if (!options.labels.empty()) load_labels(options.labels, images);
  std::vector<std::int64_t> all(static_cast<std::size_t>(images.count()));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  Scores scores = predictor.models.score(pointers_to(datasets), all, "predict", predictor.needs_features());
  if (predictor.confidence) predictor.confidence->add_to(predictor.runs, scores);
  const ByLevel<Answers> answers = answer_levels(run, predictor.decision, scores);
  write_file(options.out, csv_text(options, predictor, images, scores, answers));
  const auto& [super, sub] = answers;

  const ClassTable& classes = images.classes;
  fmt::print("{} images: {} of a novel superclass, {} of a novel subclass; written to {}\n", images.count(),
             std::count(super.classes.begin(), super.classes.end(), classes.novel_superclass()),
             std::count(sub.classes.begin(), sub.classes.end(), classes.novel_subclass()),
             options.out.string());
  if (!options.labels.empty()) {
    print_accuracy("superclass", images.superclasses, super, classes.novel_superclass());
    print_accuracy("subclass", images.subclasses, sub, classes.novel_subclass());
  }
  return 0;
}

}  // namespace tern
