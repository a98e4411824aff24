#include "apps/shared_options.h"

#include "apps/common/option_checks.h"
#include "apps/measure/views.h"
#include "engine/core/check.h"

namespace tern {

void add_runtime_options(CLI::App* app, RuntimeOptions& options) {
  app->add_option("--device", options.device, "auto takes the GPU if there is one")
      ->check(one_of({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  app->add_option("--threads", options.threads, "CPU threads; all cores if not given")
      ->check(whole_in(1, 4096));
}

void add_folder_options(CLI::App* app, DataFolders& folders, const char* data_text) {
  app->add_option("--data", folders.data, data_text)->type_name("DIR");
  app->add_option("--cifar", folders.cifar,
                  "cifar-100-binary, where the settings ask for its images; by default DATA/cifar-100-binary")
      ->type_name("DIR");
}

void add_key_option(CLI::App* app, std::string& key) {
  app->add_option(
         "--key", key,
         "the state dict to take of several in a .pth, dots leading further in; \".\" is the top level")
      ->type_name("NAME");
}

void add_ensemble_options(CLI::App* app, std::vector<std::filesystem::path>& runs, std::string& views) {
  app->add_option("--run", runs, "a run folder of tern train; of several the answers are averaged")
      ->required()
      ->type_name("RUN")
      ->take_all()
      ->expected(1);
  app->add_option(
         "--views", views,
         "show each image in several ways, too, and average the answers: flip: mirrored; crops: its four "
         "corners; flip+crops: all of it mirrored")
      ->check(one_of(view_names()));
}

void add_score_option(CLI::App* app, std::vector<std::string>& scores, const char* text) {
  app->add_option("--score", scores, text)->type_name("[LEVEL=]NAME[+NAME]...")->take_all()->expected(1);
}

void add_mask_option(CLI::App* app, std::optional<bool>& mask_untrained) {
  app->add_option(
         "--mask-untrained", mask_untrained,
         "leave classes that were never trained out of the softmax; by default as in the run's settings")
      ->type_name("true|false");
}

void add_threshold_options(CLI::App* app, DecisionOptions& options) {
  add_score_option(
      app, options.scores,
      "what decides between a class and novel: the score that tern calibrate was given, which is the "
      "default, or max_softmax, the largest probability");
  app->add_option("--tau-super", options.tau.super,
                  "novel where the confidence in a superclass, by default its probability, is below this")
      ->check(number_in(0, 1));
  app->add_option(
         "--tau-sub", options.tau.sub,
         "the same for subclasses; both by default as in the run's settings, or as calibrated for --score")
      ->check(number_in(0, 1));
  add_mask_option(app, options.mask_untrained);
  app->add_option("--tau-rule", options.tau_rules,
                  "take thresholds that are not given here from this rule of RUN/calibration.json (tern "
                  "calibrate); super= or sub= before it for one level (class= where classes have one)")
      ->type_name("[LEVEL=]RULE")
      ->take_all()
      ->expected(1);
}

void add_consistent_option(CLI::App* app, DecisionOptions& options) {
  app->add_flag(
      "--consistent", options.consistent,
      "answer only subclasses of the superclass that was answered, and a novel subclass for a novel one");
}

void add_decision_options(CLI::App* app, DecisionOptions& options) {
  add_threshold_options(app, options);
  add_consistent_option(app, options);
  app->add_flag(
      "--joint", options.joint,
      "answer both levels at once, as is right most often by the probabilities of tern calibrate (give it "
      "--mix); taus are not used");
}

void add_json_option(CLI::App* app, ResultForm& print, const std::string& document) {
  app->add_flag_callback(
      "--json", [&print] { print = ResultForm::json; },
      "print " + document + " as one JSON document, for programs; remarks then go to standard error");
}

TestMix mix_or_usage(const std::string& text) {
  try {
    return parse_mix(text);
  } catch (const Error& error) {
    throw CLI::ValidationError(error.what());
  }
}

}  // namespace tern
