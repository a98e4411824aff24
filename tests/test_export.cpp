// tern export: the graph answers as predict does; the weights are the checkpoint's; what is wrong costs a line and no file.
#include "apps/export/export.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "apps/export/onnx_model.h"
#include "apps/measure/calibrate.h"
#include "apps/measure/predictions.h"
#include "data/study.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "tests/support/onnx_file.h"
#include "tests/support/process.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

/// Two heads, some subclasses never trained.
const test::TinyRun& two_heads() {
  static const test::TinyRun trained({"epochs=1", "sub_head=cosine", "hold_out=true", "hold_out_fraction=0.2",
                                      "tau_super=0.4", "tau_sub=0.3", "cifar=small", "cifar_count=8"});
  return trained;
}

/// Without images of the novel class in training: it is never answered but for a threshold.
const test::TinyRun& known_alone() {
  static const test::TinyRun trained({"epochs=1", "cifar=none"});
  return trained;
}

const test::TinyRun& two_models() {
  static const test::TinyRun trained({"epochs=1", "approach=two_models", "super_head=cosine_relu_linear",
                                      "cifar=small", "cifar_count=8", "hold_out=true",
                                      "hold_out_fraction=0.2", "split_seed=42"});
  return trained;
}

const test::TinyRun& one_level() {
  static const test::TinyRun trained({"epochs=1", "approach=two_models", "levels=super"});
  return trained;
}

/// Plain classification, with and without images of none of the classes.
const test::TinyRun& classes() {
  static const test::TinyRun trained({"epochs=1", "tau_sub=0.3", "hold_out=true", "hold_out_fraction=0.2"},
                                     test::TinyData::one_level);
  return trained;
}

const test::TinyRun& classes_and_others() {
  static const test::TinyRun trained(
      {"epochs=1", "approach=two_models", "tau_super=0.6", "tau_sub=0.1", "cifar=small", "cifar_count=8"},
      test::TinyData::one_level);
  return trained;
}

/// The test images, what a predictor says of them, and the same by its graph.
struct Compared {
  Scores scores;
  Predictions predictions;
  std::map<std::string, test::OnnxArray> values;

  Compared(const test::TinyRun& trained, Predictor& predictor,
           const std::string& folder = "data/test_images") {
    Dataset images = load_images(trained / folder, 16);
    std::vector<std::int64_t> all(static_cast<std::size_t>(images.count()));
    std::iota(all.begin(), all.end(), std::int64_t{0});
    scores = predictor.models.score({&images}, all, "test", /*with_features=*/true);
    if (predictor.confidence) predictor.confidence->add_to(predictor.runs, scores);
    predictions = make_predictions(predictor, scores, /*with_details=*/true);
    const OnnxGraph graph = onnx_model(predictor);
    CHECK(test::onnx_faults(graph.model()) == "");
    std::vector<float> pixels;
    for (const std::uint8_t byte : images.pixels) pixels.push_back(static_cast<float>(byte) / 255);
    const Tensor input = Tensor::from(Shape{images.count(), 16, 16, 3}, pixels);
    values = test::evaluate(graph.model(), {{"images", test::channels_first(input)}});
  }

  /// As the table of predictions has them.
  std::vector<float> confidences(Level level) const {
    const std::vector<double>& values_of = predictions.details[level].confidences;
    return {values_of.begin(), values_of.end()};
  }

  void check(Level level, double tolerance) const {
    const std::string name = name_of(level);
    CAPTURE(name);
    CHECK(test::relative_difference(values.at(name + "_logits"), scores.logits[level]) < 1e-5);
    CHECK(test::relative_difference(values.at(name + "_confidence"), confidences(level)) < tolerance);
    CHECK(test::relative_difference(values.at(name + "_class"), predictions.answers[level].classes) == 0);
  }
};

Predictor predictor_of(const test::TinyRun& trained, const DecisionOptions& options = {}) {
  Predictor predictor(open_ensemble({trained.run()}), options, "", Device::cpu());
  predictor.answer_one_level();
  return predictor;
}

ExportOptions options_for(const test::TinyRun& trained, const std::string& name) {
  ExportOptions options;
  options.run = trained.run();
  options.out = trained / name;
  options.replace = true;
  return options;
}

/// Of the program.
test::Result run_export(const fs::path& run, const fs::path& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"export", run.string(), out.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return test::run_tern(arguments);
}

/// One line with `wanted` in it and nothing else.
void check_failure(const test::Result& result, const std::string& wanted) {
  CAPTURE(result.errors);
  CHECK(result.code == 1);
  CHECK(result.errors.starts_with("tern export: "));
  CHECK(result.errors.find(wanted) != std::string::npos);
  CHECK(std::count(result.errors.begin(), result.errors.end(), '\n') == 1);
}

}  // namespace

TEST_CASE("export: the graph answers as predict does, with every kind of decision") {
  DecisionOptions options;
  SUBCASE("as the run's settings say") {}
  SUBCASE("consistently") {
    options.consistent = true;
  }
  SUBCASE("with classes that were never trained") {
    options.mask_untrained = false;
  }
  SUBCASE("at thresholds that all pass") {
    options.tau = {0.0, 0.0};
  }
  SUBCASE("at thresholds that none passes, consistently") {
    options.tau = {0.0, 1.0};
    options.consistent = true;
  }
  SUBCASE("with all images of a novel superclass, consistently") {
    options.tau = {1.0, 0.0};
    options.consistent = true;
  }
  for (const test::TinyRun* trained : {&two_heads(), &two_models(), &known_alone()}) {
    Predictor predictor = predictor_of(*trained, options);
    const Compared compared(*trained, predictor);
    for (const Level level : kLevels) compared.check(level, 1e-5);
    CHECK(compared.values.contains("features") == (trained != &two_models()));
    CHECK(compared.values.contains("sub_features") == (trained == &two_models()));
  }
}

TEST_CASE("export: one level of classes has one answer, in the graph and in predict's table") {
  DecisionOptions options;
  const test::TinyRun* trained = &classes();
  std::vector<std::string> wanted{"features", "sub_logits", "sub_probabilities", "sub_confidence",
                                  "sub_class"};
  SUBCASE("by its classes alone") {}
  SUBCASE("and by what tells images of any class from others") {
    trained = &classes_and_others();
    wanted[0] = "sub_features";
  }
  SUBCASE("that calls all images novel") {
    trained = &classes_and_others();
    wanted[0] = "sub_features";
    options.tau.super = 1;
  }
  Predictor predictor = predictor_of(*trained, options);
  const Compared compared(*trained, predictor, "data/class0");
  compared.check(Level::sub, 1e-5);
  const bool others = trained == &classes_and_others();
  CHECK(predictor.tells_any_class() == others);
  const Answers& super = compared.predictions.answers.super;
  for (std::size_t i = 0; i < super.classes.size(); ++i) {
    CHECK(super.classes[i] == (options.tau.super ? 1 : super.classes[i]));
    if (super.classes[i] == 1) CHECK(compared.predictions.answers.sub.classes[i] == 5);
  }
  const OnnxGraph graph = onnx_model(predictor);
  std::vector<std::string> names;
  for (const onnx::ValueInfoProto& output : graph.model().graph().output()) names.push_back(output.name());
  CHECK(names == wanted);
  const std::map<std::string, std::string> about = test::metadata_of(graph.model());
  CHECK(about.at("levels") == "[\"sub\"]");
  CHECK(Json::parse(about.at("decision")).contains("super") == others);
  if (!others) {
    const test::Result printed = run_export(trained->run(), *trained / "classes.onnx");
    CHECK(printed.output.starts_with("note: "));
    CHECK(printed.output.find("held a class out of training") != std::string::npos);
    CHECK(printed.output.find("\nclasses: novel where the confidence by max_softmax is below 0.3\n") !=
          std::string::npos);
    CHECK(printed.output.find("super") == std::string::npos);
    CHECK(printed.output.find("subclass") == std::string::npos);
  }
}

TEST_CASE("export: thresholds by class") {
  Predictor predictor = predictor_of(two_heads());
  const ByLevel<std::size_t> classes{4, 7};
  for (const Level level : kLevels) {
    std::vector<double>& taus = predictor.decision.class_taus[level];
    for (std::size_t c = 0; c < classes[level]; ++c) taus.push_back(c % 2 == 0 ? 0.05 : 0.95);
  }
  const Compared compared(two_heads(), predictor);
  for (const Level level : kLevels) compared.check(level, 1e-5);
}

TEST_CASE("export: a calibrated novelty score decides in the graph, too") {
  const test::TinyRun& trained = two_models();
  CalibrateOptions calibration;
  calibration.runs = {trained.run()};
  calibration.print = ResultForm::none;
  calibration.runtime.threads = 1;
  for (const std::string score :
       {"max_logit", "temperature_scaled+max_softmax", "energy", "react", "knn", "mahalanobis",
        "relative_mahalanobis", "normalized_mahalanobis+normalized_relative_mahalanobis"}) {
    CAPTURE(score);
    calibration.scores = {score};
    calibrate(calibration);
    Predictor predictor = predictor_of(trained);
    const Compared compared(trained, predictor);
    for (const Level level : kLevels) compared.check(level, 1e-4);
  }
  SUBCASE("the subclass model's for superclasses; a level left to the largest probability") {
    calibration.scores = {"super=sub:knn", "sub=max_softmax"};
    calibrate(calibration);
    Predictor predictor = predictor_of(trained);
    const Compared compared(trained, predictor);
    for (const Level level : kLevels) compared.check(level, 1e-4);
  }
  SUBCASE("one that no graph computes is refused") {
    calibration.scores = {"gen"};
    calibrate(calibration);
    check_failure(run_export(trained.run(), trained / "gen.onnx"),
                  "--score: wanted a score that an ONNX graph computes");
    CHECK_FALSE(fs::exists(trained / "gen.onnx"));
    CHECK(run_export(trained.run(), trained / "gen.onnx", {"--score", "max_softmax"}).code == 0);
  }
  SUBCASE("one that no graph computes is refused before it is calibrated, too") {
    fs::remove(trained.run() / "scores.safetensors");
    for (const std::string score : {"openmax", "gen", "sub=energy+openmax"}) {
      const test::Result result = run_export(trained.run(), trained / "none.onnx", {"--score", score});
      check_failure(
          result,
          "--score: wanted a score that an ONNX graph computes as tern does: any but gen and openmax");
      CHECK(result.errors.find("tern calibrate") == std::string::npos);
    }
    check_failure(run_export(trained.run(), trained / "none.onnx", {"--score", "energy"}), "tern calibrate");
    CHECK_FALSE(fs::exists(trained / "none.onnx"));
  }
  fs::remove(trained.run() / "scores.safetensors");
}

TEST_CASE("export: what predict does and no graph is refused with what can be had instead") {
  const std::string run = one_level().run().string();
  const test::TemporaryFolder folder;
  const std::string out = (folder / "model.onnx").string();
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& begin) {
    const test::Result result = test::run_tern(arguments);
    CAPTURE(result.errors);
    CHECK(result.code == 2);
    CHECK(result.errors.starts_with("tern export: " + begin + " (a graph answers by one run, "));
  };
  refused({"export", "--run", run, "--run", run + "2", "--out", out}, "--run: wanted one run");
  refused({"export", run, out, "--views", "flip"}, "--views: wanted none of it");
  refused({"export", run, out, "--views=flip"}, "--views: wanted none of it");
  refused({"export", run, out, "--joint"}, "--joint: wanted none of it");
  refused({"export", "--joint", run, out}, "--joint: wanted none of it");
  CHECK(folder.size() == 0);
  CHECK(test::run_tern({"export", "--help"}).output.find("--joint") == std::string::npos);
}

TEST_CASE("export: the file says what it is, and what it is for") {
  ExportOptions options = options_for(two_heads(), "heads.onnx");
  CHECK(export_run(options) == 0);
  const onnx::ModelProto model = test::read_onnx(options.out);
  CHECK(test::onnx_faults(model) == "");
  const std::map<std::string, std::string> about = test::metadata_of(model);
  CHECK(about.at("architecture") == "narrow_resnet10_4");
  CHECK(about.at("image_size") == "16");
  CHECK(about.at("mean") == "[0.485, 0.456, 0.406]");
  CHECK(Json::parse(about.at("superclass_names")) == Json({"a", "b", "c", "novel"}));
  CHECK(Json::parse(about.at("levels")) == Json({"super", "sub"}));
  const Json decision = Json::parse(about.at("decision"));
  CHECK(decision.at("super").at("threshold") == 0.4);
  CHECK(decision.at("sub").at("novel") == 6);
  CHECK(decision.at("sub").at("score") == "max_softmax");
  CHECK(about.at("config").find("image_size = 16") != std::string::npos);
  REQUIRE(model.graph().input_size() == 1);
  CHECK(model.graph().input(0).type().tensor_type().shape().dim(3).dim_value() == 16);
  const std::string first = read_text_file(options.out);
  export_run(options);
  CHECK(read_text_file(options.out) == first);  // the same bytes again

  SUBCASE("a run of one level has its outputs alone") {
    options = options_for(one_level(), "super.onnx");
    export_run(options);
    const onnx::ModelProto of_level = test::read_onnx(options.out);
    std::vector<std::string> names;
    for (const onnx::ValueInfoProto& output : of_level.graph().output()) names.push_back(output.name());
    CHECK(names == std::vector<std::string>{"super_features", "super_logits", "super_probabilities",
                                            "super_confidence", "super_class"});
    options.decision.consistent = true;
    CHECK_THROWS_WITH_AS(export_run(options), Contains("--consistent: wanted models of both levels"), Error);
  }
}

TEST_CASE("export: weights by torchvision's names are the checkpoint's") {
  const auto names_of_file = [](const SafetensorsFile& file) {
    std::vector<std::string> names;
    for (const NamedTensor& entry : file.tensors) names.push_back(entry.name);
    return names;
  };
  SUBCASE("two heads keep their names") {
    const ExportOptions options = options_for(two_heads(), "heads.safetensors");
    export_run(options);
    const SafetensorsFile file = read_safetensors(options.out);
    const SafetensorsFile checkpoint = read_safetensors(two_heads().run() / "checkpoints/best.safetensors");
    REQUIRE(file.tensors.size() == checkpoint.tensors.size());
    for (std::size_t i = 0; i < file.tensors.size(); ++i) {
      std::string wanted = checkpoint.tensors[i].name;
      if (wanted.starts_with("backbone.")) wanted.erase(0, std::string("backbone.").size());
      CHECK(file.tensors[i].name == wanted);
      const Tensor &got = file.tensors[i].tensor, &tensor = checkpoint.tensors[i].tensor;
      REQUIRE(got.shape() == tensor.shape());
      CHECK(std::equal(static_cast<const char*>(got.raw()), static_cast<const char*>(got.raw()) + got.bytes(),
                       static_cast<const char*>(tensor.raw())));
    }
    CHECK(file.metadata.at("networks") == "[\"\"]");
    CHECK(file.metadata.at("format") == "pt");
    const Json heads = Json::parse(file.metadata.at("heads"));
    CHECK(heads.at(1) == Json({{"level", "sub"}, {"name", "sub_head"}, {"kind", "cosine"}, {"classes", 7}}));
  }
  SUBCASE("of two networks a linear head is torchvision's fc, another is not") {
    const ExportOptions options = options_for(two_models(), "models.safetensors");
    export_run(options);
    const SafetensorsFile file = read_safetensors(options.out);
    const std::vector<std::string> names = names_of_file(file);
    for (const char* name : {"super.conv1.weight", "super.layer1.0.bn1.running_mean", "super.head.0.scale",
                             "super.head.2.bias", "sub.conv1.weight", "sub.fc.weight", "sub.fc.bias"}) {
      CAPTURE(name);
      CHECK(std::find(names.begin(), names.end(), name) != names.end());
    }
    CHECK(file.metadata.at("networks") == "[\"super.\",\"sub.\"]");
  }
  SUBCASE("one network has no prefix") {
    const ExportOptions options = options_for(one_level(), "one.safetensors");
    export_run(options);
    const std::vector<std::string> names = names_of_file(read_safetensors(options.out));
    CHECK(names.front() == "conv1.weight");
    CHECK(names.back() == "fc.bias");
  }
}

TEST_CASE("export: what is wrong costs one line, and nothing is lost or left behind") {
  const test::TinyRun& trained = one_level();
  const test::TemporaryFolder folder;
  check_failure(run_export(folder / "absent", folder / "model.onnx"),
                "wanted a run folder (made by tern train), got no folder there");
  check_failure(run_export(folder.path(), folder / "model.onnx"), "a folder without config.toml");
  check_failure(run_export(trained / "config.toml", folder / "model.onnx"), "wanted a run folder");
  check_failure(run_export(trained.run(), folder / "model.pth"),
                "wanted a name that ends in .onnx or .safetensors, got another");
  check_failure(run_export(trained.run(), trained.run()), "ends in .onnx or .safetensors, got a folder");
  check_failure(run_export(trained.run(), folder / "absent/model.onnx"), "--out");
  check_failure(run_export(trained.run(), trained.run() / "checkpoints/model.onnx"), "not the run's own");
  check_failure(
      run_export(trained.run(), trained.run() / "checkpoints/best_super.safetensors", {"--replace"}),
      "not the run's own");
  fs::create_directory(folder / "taken.onnx");
  check_failure(run_export(trained.run(), folder / "taken.onnx"), "--out");
  CHECK(test::run_tern({"export", trained.run().string()}).code == 2);
  CHECK(folder.size() == 1);

  SUBCASE("a file that is there stays, unless it is to be replaced") {
    folder.write("model.onnx", "something dear");
    check_failure(run_export(trained.run(), folder / "model.onnx"), "wanted a new file, or --replace");
    CHECK(read_text_file(folder / "model.onnx") == "something dear");
    CHECK(run_export(trained.run(), folder / "model.onnx", {"--replace"}).code == 0);
    CHECK(test::onnx_faults(test::read_onnx(folder / "model.onnx")) == "");
  }
  SUBCASE("a run that has not begun, and one that was not trained to the end") {
    fs::copy(trained.run(), folder / "run", fs::copy_options::recursive);
    Json summary = read_json(folder / "run/summary.json");
    summary["status"] = "interrupted";
    write_json(folder / "run/summary.json", summary);
    const test::Result unfinished = run_export(folder / "run", folder / "model.onnx");
    CHECK(unfinished.code == 0);
    CHECK(unfinished.output.find("was not trained to the end (interrupted)") != std::string::npos);
    fs::remove(folder / "run/checkpoints/best_super.safetensors");
    check_failure(run_export(folder / "run", folder / "other.onnx"), "wanted a checkpoint");
    fs::remove(folder / "run/summary.json");
    check_failure(run_export(folder / "run", folder / "other.onnx"), "summary.json");
    CHECK_FALSE(fs::exists(folder / "other.onnx"));
  }
}
