#include "apps/measure/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include "apps/measure/calibration_file.h"
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

void check_levels(const StudyModels& models, const Run& run) {
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

}  // namespace

int predict(const PredictOptions& options) {
  const Device device = prepare_runtime(options.runtime);
  const Run run = Run::open(options.run);
  check_options(options, run);
  fmt::print("{}", run.unfinished_text());
  const Decision decision = resolve_decision(run.config, with_calibrated_taus(run, options.decision));
  StudyModels models(run, device);
  check_levels(models, run);

  Dataset images = load_images(options.images, static_cast<int>(run.config.image_size));
  fmt::print("{}", images.passed_over);
  std::fflush(stdout);
  images.classes = run.classes();
  if (!options.labels.empty()) load_labels(options.labels, images);
  std::vector<std::int64_t> all(static_cast<std::size_t>(images.count()));
  std::iota(all.begin(), all.end(), std::int64_t{0});
  const Scores scores = models.score(images, all, "predict");

  const auto [super, sub] = answer_levels(run, decision, scores);
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
