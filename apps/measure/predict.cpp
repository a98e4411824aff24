#include "apps/measure/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "apps/measure/predictor.h"
#include "data/image_source.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

/// That --out can be written, and is nothing that the command reads.
void check_out(const PredictOptions& options, const Run& run) {
  try {
    check_writable(options.out);
  } catch (const Error& error) {
    throw Error("--out", error.what());
  }
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

std::string csv_text(const Dataset& images, const Answers& super, const Answers& sub, bool probabilities) {
  std::vector<std::string> header{"image", "superclass_index", "subclass_index"};
  if (probabilities) header.insert(header.end(), {"superclass_probability", "subclass_probability"});
  std::string text = csv_line(header);
  for (std::size_t i = 0; i < images.names.size(); ++i) {
    std::vector<std::string> row{images.names[i], fmt::format("{}", super.classes[i]),
                                 fmt::format("{}", sub.classes[i])};
    if (probabilities) {
      row.push_back(fmt::format("{:.6f}", super.most_probable.probabilities[i]));
      row.push_back(fmt::format("{:.6f}", sub.most_probable.probabilities[i]));
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
  Predictor predictor(std::move(runs), options.decision, options.views, device);
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
  const auto [super, sub] = answer_levels(run, predictor.decision, scores);
  write_file(options.out, csv_text(images, super, sub, options.probabilities));

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
