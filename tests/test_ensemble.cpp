// What several runs say together, and what is kept of it between commands.
#include "apps/measure/ensemble.h"

#include <doctest/doctest.h>

#include "apps/measure/calibrate.h"
#include "apps/measure/evaluate.h"
#include "apps/measure/predict.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "tests/support/files.h"
#include "tests/support/tiny_run.h"

using namespace tern;
namespace fs = std::filesystem;

namespace {

const test::TinyRun& trained() {
  static const test::TinyRun run({"approach=two_models", "epochs=1", "cifar=small", "cifar_count=8",
                                  "hold_out=true", "hold_out_fraction=0.2", "split_seed=42"});
  return run;
}

template <typename Options>
Options options_with(ScoreMemo* memo) {
  Options options;
  options.runs = {trained().run()};
  options.views = "flip";
  options.runtime.threads = 1;
  options.memo = memo;
  return options;
}

/// Calibrates, evaluates and predicts by max_logit; what the last two wrote.
std::string results_with(ScoreMemo* memo) {
  auto calibration = options_with<CalibrateOptions>(memo);
  calibration.scores = {"max_logit"};
  calibration.print = ResultForm::none;
  calibrate(calibration);
  auto evaluation = options_with<EvaluateOptions>(memo);
  evaluation.print = ResultForm::none;
  evaluate(evaluation);
  auto prediction = options_with<PredictOptions>(memo);
  prediction.images = trained() / "data/test_images";
  prediction.out = trained() / "predictions.csv";
  prediction.replace = true;
  prediction.allow_held_out = true;
  prediction.details = true;
  predict(prediction);
  return read_text_file(trained().run() / "evaluation.json") + read_text_file(prediction.out);
}

}  // namespace

TEST_CASE("ensemble: answers that are kept between commands are those that the models give") {
  const std::string alone = results_with(nullptr);
  ScoreMemo memo;
  CHECK(results_with(&memo) == alone);
  // The training part as it is; validation, held-out subclasses and the images to be predicted mirrored too.
  REQUIRE(memo.scores.size() == 7);
  CHECK(results_with(&memo) == alone);
  CHECK(memo.scores.size() == 7);
  // What is kept is what answers.
  for (auto& [key, scores] : memo.scores) {
    for (float& logit : scores.logits.sub) logit = -logit;
  }
  CHECK(results_with(&memo) != alone);
}

TEST_CASE("ensemble: answers that were kept without features are asked anew where features are wanted") {
  ScoreMemo memo;
  const std::vector<Run> runs = open_ensemble({trained().run()});
  EnsembleModels models(runs, parse_views(""), Device::cpu(), &memo);
  const EnsembleData data = load_ensemble_data(runs, {});
  CHECK(score_parts(models, data, false, WithTraining::no).validation.features.sub.empty());
  const Scores with = score_parts(models, data, true, WithTraining::no).validation;
  CHECK_FALSE(with.features.sub.empty());
  memo.with_features = true;
  memo.scores.clear();
  CHECK_FALSE(score_parts(models, data, false, WithTraining::no).validation.features.sub.empty());
  CHECK(score_parts(models, data, true, WithTraining::no).validation.features.sub == with.features.sub);
}
