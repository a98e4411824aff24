#include "apps/measure/predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/common/ranks.h"
#include "apps/measure/answer_groups.h"
#include "apps/measure/answer_images.h"
#include "apps/measure/evaluation_json.h"
#include "apps/measure/on_ranks.h"
#include "apps/measure/predictions_page.h"
#include "apps/page/html.h"
#include "apps/run/study_data.h"
#include "data/image_source.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/io/event_log.h"
#include "engine/io/file.h"
#include "engine/metrics/accuracy.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

/// That the file of an option can be written, and is nothing that the command reads.
void check_output(const std::string& option, const fs::path& path, const PredictOptions& options,
                  const Run& run) {
  check_writable(option, path);
  check_not_input(option, path, "the labels", options.labels);
  check_not_input(option, path, "the images", options.images);
  check_not_data(option, path, fs::weakly_canonical(options.images).parent_path());
  check_not_data(option, path, run.summary_text("inputs", "data"));
  run.check_not_own(option, path);
}

void check_outputs(const PredictOptions& options, const Run& run) {
  check_output("--out", options.out, options, run);
  check_replaces("--out", options.out, options.replace);
  if (options.page.empty()) return;
  check_output("--page", options.page, options, run);
  if (fs::weakly_canonical(options.page) == fs::weakly_canonical(options.out))
    throw Error("--page " + options.page.string(), "another file than --out", "the same");
  check_page_place("--page", options.page);
}

/// Faults that should be known before minutes of work.
void check_options(const PredictOptions& options, const Run& run) {
  check_outputs(options, run);
  if (options.allow_held_out) return;
  const auto refuse = [&run](const std::string& what) {
    throw Error(run.folder().string(), "a run trained on every class, or --allow-held-out",
                fmt::format("one that held {} out of training", what));
  };
  const std::size_t held_out = run.held_out_subclasses().size();
  if (held_out > 0) {
    refuse(fmt::format("{} {}class{}", held_out, run.classes().has_one_level() ? "" : "sub",
                       held_out == 1 ? "" : "es"));
  }
  if (!run.config.hold_out_superclass.empty()) refuse("superclass " + run.config.hold_out_superclass);
}

void check_levels(const EnsembleModels& models, const Run& run) {
  if (models.has(Level::super) && models.has(Level::sub)) return;
  throw Error(run.folder().string() + " levels", "models of both levels",
              models.has(Level::super) ? "only the superclass model" : "only the subclass model");
}

/// `of`: a level, or both.
void print_accuracy(const std::string& of, const NoveltyCounts& counts) {
  const auto text = [](Percent value) {
    return value ? fmt::format("{:6.2f} %", *value) : std::string("     -  ");
  };
  fmt::print("{:<10} accuracy: overall {}  seen {}  novel {}\n", of, text(counts.accuracy()),
             text(counts.seen_accuracy()), text(counts.novel_accuracy()));
}

/// Of what a page shows.
std::string shown_text(std::size_t shown, std::size_t images, std::size_t limit) {
  if (shown == images) return fmt::format("{} picture{}", images, images == 1 ? "" : "s");
  return fmt::format(
      "{} of {} pictures, {} left out (--page-limit): the {} most novel, and as many of the rest of each "
      "group as "
      "there is room for",
      shown, images, images - shown, limit / 2);
}

/// The page's data; what is left out of it is told in it and printed.
Json page_json(const PredictOptions& options, const PredictedImages& predicted) {
  Json json = predictions_json(predicted, options.page_limit);
  if (options.page_nearest == 0) return json;
  try {
    add_nearest_images(json, predicted, options.page_nearest);
  } catch (const Error& error) {
    // Without the error's paths: a page is passed on.
    json["notes"].push_back(
        "The nearest known images are left out: the run's training images are not where they were, or "
        "cannot be read.");
    warn("the nearest known images are left out: {}\n", error.what());
  }
  return json;
}

struct WrittenPage {
  std::size_t pictures = 0, bytes = 0;
};

/// The table and the page, both or neither. Returns what was written of the page, if one is asked for.
std::optional<WrittenPage> write_outputs(const PredictOptions& options, const PredictedImages& predicted) {
  std::string html;
  std::optional<WrittenPage> written;
  if (!options.page.empty()) {
    const Json json = page_json(options, predicted);
    html = predictions_page(json);
    written = {count_shown(json), html.size()};
  }
  AtomicFile table(options.out);
  write_predictions(table, predicted.images.names, predicted.images.classes, predicted.predictions,
                    {options.names, options.probabilities, options.details});
  if (!options.page.empty()) write_file(options.page, html);
  table.commit();
  return written;
}

/// What predict() prints.
struct Summary {
  std::int64_t images = 0;
  std::vector<KindCount> kinds;  ///< of all images
  ByLevel<std::optional<NoveltyCounts>>
      right;                       ///< of labelled images; only of classes where they have one level
  std::int64_t right_at_both = 0;  ///< of labelled images with two levels
  std::optional<WrittenPage> page;
};

/// only_class() of each image.
std::vector<std::int32_t> only_classes(const ClassTable& classes,
                                       const std::vector<std::int32_t>& superclasses,
                                       const std::vector<std::int32_t>& subclasses) {
  std::vector<std::int32_t> only;
  for (std::size_t i = 0; i < subclasses.size(); ++i)
    only.push_back(only_class(classes, superclasses[i], subclasses[i]));
  return only;
}

Summary summarise(const PredictOptions& options, const Dataset& images, const Predictions& predictions) {
  const ClassTable& classes = images.classes;
  const ByLevel<Answers>& answers = predictions.answers;
  Summary summary;
  summary.images = images.count();
  summary.kinds = count_kinds(classes, answers);
  if (options.labels.empty()) return summary;
  if (classes.has_one_level()) {
    summary.right.sub = count_novelty(only_classes(classes, images.superclasses, images.subclasses),
                                      only_classes(classes, answers.super.classes, answers.sub.classes),
                                      classes.novel_subclass());
    return summary;
  }
  for (const Level level : kLevels)
    summary.right[level] = count_novelty(images.labels(level), answers[level].classes, classes.novel(level));
  for (std::int64_t i = 0; i < images.count(); ++i)
    summary.right_at_both += is_right(images, answers, static_cast<std::size_t>(i));
  return summary;
}

void print_text(const PredictOptions& options, const Summary& summary) {
  std::string kinds;
  for (const KindCount& count : summary.kinds)
    kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count.images, count.words);
  remark("{} image{}: {}; written to {}\n", summary.images, summary.images == 1 ? "" : "s", kinds,
         options.out.string());
  if (summary.page) {
    const auto images = static_cast<std::size_t>(summary.images);
    remark("{}: {}, {:.2f} MB\n", options.page.string(),
           shown_text(summary.page->pictures, images, options.page_limit),
           static_cast<double>(summary.page->bytes) / 1e6);
  }
  const bool one_level = !summary.right.super;
  for (const Level level : kLevels) {
    if (summary.right[level])
      print_accuracy(one_level ? "class" : fmt::format("{}class", name_of(level)), *summary.right[level]);
  }
  if (summary.right.super) {
    fmt::print("{:<10} accuracy: overall {:6.2f} %\n", "both",
               percent(summary.right_at_both, summary.images).value_or(0));
  }
}

Json to_json(const PredictOptions& options, const Summary& summary) {
  Json json = {{"images", summary.images}};
  for (const KindCount& count : summary.kinds) json[count.name + "_images"] = count.images;
  json["predictions"] = options.out.string();
  if (summary.page) json["page"] = {{"file", options.page.string()}, {"pictures", summary.page->pictures}};
  for (const Level level : kLevels) {
    if (summary.right[level]) json["accuracy"][name_of(level)] = counts_json(*summary.right[level]);
  }
  if (summary.right.super) json["right_at_both_levels_images"] = summary.right_at_both;
  return json;
}

/// Of their names, in their order.
std::string fingerprint_of(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += name + '\n';
  return fmt::format("{} images, {:08x}", names.size(), crc32c(std::as_bytes(std::span(all))));
}

int predict_on(Communicator& ranks, const PredictOptions& options) {
  const Device device = prepare_ranks(ranks, options.runtime, "a prediction");
  std::vector<Run> runs = open_ensemble(options.runs);
  for (const Run& run : runs) {
    if (ranks.is_root()) check_options(options, run);
    warn("{}", run.unfinished_text());
  }
  Predictor predictor(std::move(runs), options.decision, options.views, device, options.memo);
  predictor.answer_one_level();
  const Run& run = predictor.runs.front();
  check_levels(predictor.models, run);

  const std::unique_ptr<ImageSource> source = ImageSource::open(options.images);
  Dataset images = list_images(*source);
  images.classes = run.classes();
  warn("{}", images.passed_over.text());
  if (!options.labels.empty()) warn("{}", load_labels(options.labels, images));
  const bool with_details = options.details || !options.page.empty();
  check_alike(ranks, "the images", fingerprint_of(images.names));
  predictor.models.share_among(&ranks);
  const Predictions predictions = answer_images(predictor, *source, images, with_details, kPartBytes, &ranks);
  if (!ranks.is_root()) return 0;
  predictor.models.share_among(nullptr);  // what a page shows is found by the root
  Summary summary = summarise(options, images, predictions);
  summary.page = write_outputs(options, {*source, images, predictor, predictions});
  if (options.print == ResultForm::text) print_text(options, summary);
  if (options.print == ResultForm::json) print_json(to_json(options, summary));
  return 0;
}

}  // namespace

int predict(const PredictOptions& options) {
  return on_ranks(options.runtime, [&](Communicator& ranks) { return predict_on(ranks, options); });
}

}  // namespace tern
