// The subcommands' options, one function a subcommand, in the order of `tern --help`.
#include "apps/commands.h"

#include <iostream>
#include <limits>

#include "apps/add_command.h"
#include "apps/check_data/check_data.h"
#include "apps/common/option_checks.h"
#include "apps/export/export.h"
#include "apps/help_pages.h"
#include "apps/measure/calibrate.h"
#include "apps/measure/dump.h"
#include "apps/measure/evaluate.h"
#include "apps/measure/predict.h"
#include "apps/report/report.h"
#include "apps/run/config.h"
#include "apps/shared_options.h"
#include "apps/study/study.h"
#include "apps/train/demo_data.h"
#include "apps/train/train.h"
#include "apps/weights_commands.h"
#include "models/weight_names.h"

namespace tern {
namespace {

void add_demo_data(CLI::App& tern, Command& chosen) {
  static DemoDataOptions options;
  CLI::App* app = add_command(tern, chosen, "demo-data",
                              "Write a small synthetic data set in the study's layout, with test labels.",
                              options, demo_data);
  app->add_option("--out", options.out, "an absent or empty folder")->required()->type_name("DIR");
  app->add_option("--seed", options.seed, "another seed, other images")
      ->check(whole_in(0, std::numeric_limits<std::uint64_t>::max()))
      ->capture_default_str();
  app->add_option("--images-per-subclass", options.images_per_subclass,
                  "to train on: fewer are made and trained on sooner")
      ->check(whole_in(1, 100000))
      ->capture_default_str();
}

/// --resume knows the rest from the run folder.
void require_unless_resumed(CLI::App* app, const TrainOptions& options) {
  app->parse_complete_callback([&options] {
    if (options.resume) return;
    if (options.config.empty()) throw CLI::RequiredError("--config");
    if (options.folders.data.empty()) throw CLI::RequiredError("--data");
  });
}

/// The processes get all other arguments as they are.
template <typename Count>
void add_ranks_option(CLI::App* app, Count& ranks, const std::string& work) {
  app->add_option(
         "--ranks", ranks,
         "processes that " + work + " together on this machine: calls mpirun -n N, as you may yourself")
      ->check(whole_in(1, 4096));
}

/// Of a command whose ranks share the images that models look at.
void add_shared_runtime_options(CLI::App* app, RuntimeOptions& options) {
  add_runtime_options(app, options);
  options.ranks = 0;
  add_ranks_option(app, options.ranks, "look at the images");
}

void add_train(CLI::App& tern, Command& chosen) {
  static TrainOptions options;
  CLI::App* app = add_command(tern, chosen, "train",
                              "Train the models of a study; resume an interrupted training.", options, train);
  app->add_option("--config", options.config, "settings, TOML; see apps/configs")->type_name("FILE");
  app->add_option("--set", options.sets, "override a setting; may be repeated")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->expected(1);
  add_folder_options(app, options.folders,
                     "images as superclass/subclass/*.jpg or class/*.jpg, or a table of labels and the "
                     "images: see README.md");
  app->add_option("--out", options.out, "the run folder: new, or an old one with --resume")
      ->required()
      ->type_name("RUN");
  app->add_option("--weights", options.weights.file,
                  "backbone to start from: of torchvision, timm or Hugging Face, .pth or .safetensors, or a "
                  "checkpoint of another "
                  "run, whose heads are passed over; random if not given")
      ->type_name("FILE");
  add_key_option(app, options.weights.key);
  app->get_option("--key")->needs("--weights");
  add_runtime_options(app, options.runtime);
  add_ranks_option(app, options.ranks, "train");
  app->add_flag("--resume", options.resume,
                "go on after the last whole epoch; --config and --data may be left out");
  app->add_flag_callback(
      "--help-config",
      [] {
        std::cout << config_help();
        throw CLI::Success();
      },
      "list every setting with its default, and exit");
  require_unless_resumed(app, options);
  add_json_option(app, options.print, "RUN/summary.json");
}

void add_evaluate(CLI::App& tern, Command& chosen) {
  static EvaluateOptions options;
  CLI::App* app =
      add_command(tern, chosen, "evaluate",
                  "Measure a run's best models on validation and held-out images -> RUN/evaluation.json.",
                  options, evaluate);
  add_ensemble_options(app, options.runs, options.views);
  add_decision_options(app, options.decision);
  app->add_flag_callback(
      "--no-novelty-scores", [] { options.novelty_scores = false; },
      "leave out the scores that are fitted to the training images, which saves running them");
  add_folder_options(app, options.folders, "where the run's images are now, if they have moved");
  add_shared_runtime_options(app, options.runtime);
  add_json_option(app, options.print, "RUN/evaluation.json");
}

void add_calibrate(CLI::App& tern, Command& chosen) {
  static CalibrateOptions options;
  CLI::App* app = add_command(
      tern, chosen, "calibrate",
      "Choose what decides that an image is novel, and propose thresholds -> RUN/calibration.json.", options,
      calibrate);
  add_ensemble_options(app, options.runs, options.views);
  add_score_option(
      app, options.scores,
      "decide by this novelty score from now on: one of those that tern evaluate prints, or a sum; super= or "
      "sub= before it for one level (class= where classes have one)");
  app->add_option("--rule", options.rules,
                  "whose threshold decides where a novelty score does, by default seen_target; super= or "
                  "sub= before it for one level (class= where classes have one)")
      ->type_name("[LEVEL=]RULE")
      ->take_all()
      ->expected(1);
  app->add_option("--outliers", options.outliers,
                  "make this many images of no class out of validation images, as sharp as they are, and let "
                  "them stand "
                  "for novel superclasses in place of CIFAR's")
      ->check(whole_in(0, 100000));
  app->add_flag("--per-class", options.per_class,
                "a threshold for each class that has enough images, by that rule");
  app->add_option_function<std::string>(
         "--mix", [](const std::string& text) { options.mix = mix_or_usage(text); },
         "shares of known, novel-subclass and novel-superclass images that are expected: adds the rule "
         "best_expected_accuracy, and makes it the default")
      ->type_name("KNOWN,SUB,SUPER");
  add_mask_option(app, options.mask_untrained);
  app->add_option("--seed", options.seed, "of the halves for calibration and for the test")
      ->check(whole_in(0, std::numeric_limits<std::uint64_t>::max()))
      ->capture_default_str();
  app->add_option("--target-rate", options.target_rate, "share of seen images to keep, of novel ones to find")
      ->check(number_in(0.01, 1))
      ->capture_default_str();
  add_folder_options(app, options.folders, "where the run's images are now, if they have moved");
  add_shared_runtime_options(app, options.runtime);
  add_json_option(app, options.print, "RUN/calibration.json");
}

void add_dump(CLI::App& tern, Command& chosen) {
  static DumpOptions options;
  CLI::App* app =
      add_command(tern, chosen, "dump", "Write features, logits and labels of a run's images as safetensors.",
                  options, dump);
  app->add_option("--run", options.run, "a run folder of tern train")->required()->type_name("RUN");
  app->add_option("--out", options.out, "the file to write")->required()->type_name("FILE.safetensors");
  app->add_option("--part", options.parts, "only these images; may be repeated")
      ->check(one_of({"train", "validation", "pseudo_novel", "pseudo_novel_super"}))
      ->take_all()
      ->expected(1);
  add_folder_options(app, options.folders, "where the run's images are now, if they have moved");
  add_shared_runtime_options(app, options.runtime);
}

void add_predict(CLI::App& tern, Command& chosen) {
  static PredictOptions options;
  CLI::App* app = add_command(tern, chosen, "predict",
                              "Write superclass and subclass of unlabelled images as CSV.", options, predict);
  add_ensemble_options(app, options.runs, options.views);
  app->add_option("--images", options.images, "a folder or .zip of images")->required()->type_name("DIR|ZIP");
  app->add_option("--out", options.out,
                  "image,superclass_index,subclass_index, in numeric order of the names")
      ->required()
      ->type_name("FILE.csv");
  app->add_flag("--replace", options.replace, "write over a file that is there");
  app->add_option("--page", options.page,
                  "the images as pictures too, by answer, for a browser without a network")
      ->type_name("FILE.html");
  app->add_option(
         "--page-limit", options.page_limit,
         "pictures on the page at most: half of them the most novel, half shared out among the answers")
      ->check(whole_in(1, 1000000))
      ->needs("--page")
      ->capture_default_str();
  app->add_option("--page-nearest", options.page_nearest,
                  "of so many of the most novel pictures show the nearest training images, too; 0 spares "
                  "scoring those")
      ->check(whole_in(0, 1000000))
      ->needs("--page")
      ->capture_default_str();
  app->add_option(
         "--labels", options.labels,
         "true labels of the same images, to print the accuracy, and for the page; indices are those of "
         "superclass_mapping.csv and subclass_mapping.csv beside it, or without them the run's")
      ->type_name("FILE.csv");
  app->add_flag("--names", options.names, "add the names of both answers");
  app->add_flag("--probabilities", options.probabilities,
                "add the largest softmax probability of each level");
  app->add_flag(
      "--details", options.details,
      "add the confidence that tau is held against, its p-value among held-out known images (after tern "
      "calibrate) and the second choice of each level");
  app->add_flag("--allow-held-out", options.allow_held_out,
                "predict with a run that held subclasses out of training");
  add_decision_options(app, options.decision);
  add_shared_runtime_options(app, options.runtime);
  add_json_option(app, options.print, "counts and accuracies");
}

[[noreturn]] void refuse_export(const std::string& option, const std::string& wanted,
                                const std::string& got) {
  throw CLI::ValidationError(option, "wanted " + wanted +
                                         " (a graph answers by one run, each image as it is, every level by "
                                         "itself or --consistent), got " +
                                         got);
}

void add_export(CLI::App& tern, Command& chosen) {
  static ExportOptions options;
  CLI::App* app = add_command(
      tern, chosen, "export",
      "Write a run's best models for other programs: ONNX, or safetensors with torchvision's names.", options,
      export_run);
  app->add_option_function<std::vector<std::string>>(
         "--run,RUN",
         [](const std::vector<std::string>& runs) {
           if (runs.size() > 1) refuse_export("--run", "one run", runs[1] + ", too");
           options.run = runs.front();
         },
         "a run folder of tern train")
      ->required()
      ->type_name("RUN")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);  // by its place one alone
  app->add_option("--out,OUT", options.out,
                  "the file to write: a graph that answers as tern predict, or weights")
      ->required()
      ->type_name("FILE.onnx|FILE.safetensors");
  app->add_flag("--replace", options.replace, "write over a file that is there");
  add_threshold_options(app, options.decision);
  add_consistent_option(app, options.decision);
  for (const char* name : {"--views", "--joint"}) {  // of tern predict, which a graph is to answer as
    app->add_option_function<std::string>(
           name, [name](const std::string&) { refuse_export(name, "none of it", "it"); })
        ->expected(0, 1)
        ->group("");  // not listed
  }
}

void add_report(CLI::App& tern, Command& chosen) {
  static ReportOptions options;
  CLI::App* app =
      add_command(tern, chosen, "report",
                  "Write one HTML file about one or several runs, for a browser without a network.", options,
                  tern::report);
  app->add_option("RUN", options.runs, "run folders of tern train")->required()->type_name("RUN");
  app->add_option("--out", options.out, "the file to write")->required()->type_name("FILE.html");
  app->add_flag_callback(
      "--no-nearest", [] { options.nearest = false; },
      "leave out the nearest training images, which spares scoring those the first time");
  add_threshold_options(app, options.decision);
  add_folder_options(app, options.folders, "where the images of all these runs are now, if they have moved");
  add_runtime_options(app, options.runtime);
}

void add_check_data(CLI::App& tern, Command& chosen) {
  static CheckDataOptions options;
  CLI::App* app = add_command(tern, chosen, "check-data",
                              "Say what is wrong with images before training: classes, sizes, images that "
                              "cannot be read or look the same.",
                              options, check_data);
  app->add_option("--data,DATA", options.data, "as for tern train")->required()->type_name("DIR");
  app->add_option(
         "--images", options.images,
         "images to be predicted, to find those that training has seen; by default DATA/test_images or "
         "DATA/test_images.zip")
      ->type_name("DIR|ZIP");
  app->add_option("--out", options.out, "write a page with the pictures, for a browser without a network")
      ->type_name("FILE.html");
  add_runtime_options(app, options.runtime);
  add_json_option(app, options.print, "what was found");
}

void add_study(CLI::App& tern, Command& chosen) {
  static StudyOptions options;
  CLI::App* app =
      add_command(tern, chosen, "study",
                  "Run every row of a plan that is not done yet -> DIR/tables.md; the same command goes on.",
                  options, study);
  app->add_option("--plan", options.plan, "rows, settings and seeds, TOML; see apps/configs/study_quick.toml")
      ->required()
      ->type_name("FILE");
  add_folder_options(app, options.folders,
                     "images as superclass/subclass/*.jpg or class/*.jpg, or a table of labels and the "
                     "images: see README.md");
  app->get_option("--data")->required();
  app->add_option("--out", options.out, "the study's folder: new, or an old one to go on with")
      ->required()
      ->type_name("DIR");
  app->add_option("--weights", options.weights,
                  "backbone to start from; with NAME= for the rows that name it; may be repeated")
      ->type_name("[NAME=]FILE")
      ->take_all()
      ->expected(1);
  app->add_option("--key", options.keys,
                  "the state dict to take of several in such a .pth, as for tern train; may be repeated")
      ->type_name("[NAME=]KEY")
      ->take_all()
      ->expected(1);
  app->add_option("--images", options.images,
                  "images to predict with every row; by default DATA/test_images or DATA/test_images.zip")
      ->type_name("DIR|ZIP");
  app->add_flag(
      "--join", options.join,
      "work beside other calls that are at work on this study, here or on machines that share its folder");
  app->add_flag("--dry-run", options.dry_run, "list the trainings and do nothing");
  add_runtime_options(app, options.runtime);
  add_json_option(app, options.print, "DIR/study.json, or the list of a dry run,");
}

void add_help_pages(CLI::App& tern, Command& chosen) {
  static HelpPagesOptions options;
  options.tern = &tern;
  CLI::App* app =
      add_command(tern, chosen, "help-pages",
                  "Write a manual page and what completes commands in bash and zsh -> DIR/tern.1, tern.bash.",
                  options, write_help_pages);
  app->add_option("--out", options.out, "the folder, which is made if it is absent")
      ->required()
      ->type_name("DIR");
}

}  // namespace

void add_commands(CLI::App& tern, Command& chosen) {
  add_demo_data(tern, chosen);
  add_convert(tern, chosen);
  add_inspect(tern, chosen);
  add_classify(tern, chosen);
  add_train(tern, chosen);
  add_calibrate(tern, chosen);
  add_evaluate(tern, chosen);
  add_predict(tern, chosen);
  add_export(tern, chosen);
  add_report(tern, chosen);
  add_dump(tern, chosen);
  add_check_data(tern, chosen);
  add_study(tern, chosen);
  add_help_pages(tern, chosen);
  for (CLI::App* command : tern.get_subcommands([](const CLI::App*) { return true; }))
    command->add_flag("--quiet")->description(
        "no progress and no remarks: results, warnings and errors alone");
}

}  // namespace tern
