// tern study as a whole, on the tiny study: what it leaves behind, and that it goes on where it was.
#include "apps/study/study.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "engine/io/folder_lock.h"
#include "engine/io/json.h"
#include "tests/support/process.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

struct Fixture {
  test::TemporaryFolder folder;
  StudyOptions options;

  Fixture() {
    test::write_tiny_study(folder / "data");
    test::write_tiny_cifar(folder / "data/cifar-100-binary", 24);
    test::write_quickly(folder / "tiny.toml",
                        config_text(test::tiny_config({"approach=two_models", "epochs=1", "cifar=small",
                                                       "cifar_count=8", "cifar_hold_out_count=4"})));
    options.folders.data = folder / "data";
    options.out = folder / "out";
    options.plan = folder / "plan.toml";
    options.runtime = {"cpu", 1};
  }
  void plan(const std::string& rows) const {
    test::write_quickly(options.plan,
                        "title = \"Tiny\"\nfolds = 2\nseeds = [3]\nnovelty_scores = false\n" + rows);
  }
};

std::string row(const std::string& name, const std::string& more = "") {
  return "[[row]]\nname = \"" + name + "\"\nconfig = \"tiny.toml\"\n" + more;
}

}  // namespace

TEST_CASE("study: runs, results, predictions and tables; a second call finds everything done") {
  const Fixture fixture;
  const fs::path out = fixture.options.out;
  fixture.plan(row("rule",
                   "threshold = \"best_harmonic_mean\"\nleave_superclasses_out = true\n"
                   "published = { super_overall = 83 }\n") +
               row("left",
                   "threshold = \"best_harmonic_mean\"\nleave_superclasses_out = true\n"
                   "novel_superclasses = \"left_out\"\n") +
               row("fixed", "compare_with = \"rule\"\n") +
               row("kept", "settings = { hold_out = true, hold_out_fraction = 0.2 }\nretrain = false\n"));
  CHECK(study(fixture.options) == 0);

  const Json result = read_json(out / "rule/seed-3/result.json");
  CHECK(result.at("folds").size() == 2);
  CHECK_FALSE(result.contains("one_level"));
  CHECK(result.at("without").size() == 3);
  CHECK(result.at("estimate").at("sub").contains("overall_percent"));
  CHECK(result.at("folds")[0].at("near_images").get<int>() +
            result.at("folds")[1].at("near_images").get<int>() ==
        48);  // every subclass is held out once
  CHECK(result.at("folds")[0].at("far_held_out_images") == 4);
  // No fold's tau comes from its own images: with two folds, each has the other's.
  const auto tau_of = [&](const char* fold) {
    const Json calibration = read_json(out / "rule/seed-3" / fold / "calibration.json");
    for (const Json& one : calibration.at("sub").at("candidates")) {
      if (one.at("rule") == "best_harmonic_mean") return one.at("tau").get<double>();
    }
    return -1.0;
  };
  CHECK(result.at("folds")[0].at("sub").at("tau") == tau_of("fold-2"));
  CHECK(result.at("folds")[1].at("sub").at("tau") == tau_of("fold-1"));
  CHECK(result.at("last").at("sub").at("tau").get<double>() ==
        doctest::Approx((tau_of("fold-1") + tau_of("fold-2")) / 2));
  CHECK(read_csv(out / "rule/seed-3/predictions.csv").rows.size() == 12);
  CHECK(result.at("predictions").at("images") == 12);

  CHECK_FALSE(fs::exists(out / "fixed/seed-3/last"));  // shared with the row before
  CHECK(read_json(out / "fixed/seed-3/result.json").at("last").at("super").at("tau") == 0.99);
  CHECK(
      read_json(out / "kept/seed-3/result.json").at("last").at("trained_share_of_subclasses").get<double>() <
      1);
  const Json left = read_json(out / "left/seed-3/result.json");
  CHECK(left.at("without").size() == 3);
  CHECK(left.at("last").at("sub").at("tau") == result.at("last").at("sub").at("tau"));
  for (const Json& fold : left.at("folds"))
    CHECK(fold.at("super").at("tau") == left.at("last").at("super").at("tau"));
  double found = 0;
  for (const Json& without : left.at("without"))
    found += without.at("super").at("far_held_out_found_percent").get<double>() / 3;  // as many images each
  CHECK(left.at("estimate").at("super").at("unseen_percent").get<double>() == doctest::Approx(found));
  CHECK(read_json(out / "study.json").at("rows").size() == 4);
  const std::string tables = read_text_file(out / "tables.md");
  for (const char* part :
       {"## Tiny", "Table 1", "Table 2", "83 / - / -", "Table 3", "| fixed | rule |", "Table 4"}) {
    CAPTURE(part);
    CHECK(tables.find(part) != std::string::npos);
  }

  const auto before = fs::last_write_time(out / "rule/seed-3/result.json");
  const auto trained = fs::last_write_time(out / "rule/seed-3/fold-1/summary.json");
  CHECK(study(fixture.options) == 0);
  CHECK(fs::last_write_time(out / "rule/seed-3/result.json") == before);
  CHECK(fs::last_write_time(out / "rule/seed-3/fold-1/summary.json") == trained);
  CHECK(read_text_file(out / "tables.md") == tables);

  // A run that was cut off before its end is trained again, and what depends on it measured again.
  fs::remove_all(out / "rule/seed-3/last");
  test::write_quickly(out / "rule/seed-3/result.json", "{\"folds\": [");
  CHECK_THROWS_WITH_AS(study(fixture.options),
                       Contains("once it is removed, tern study measures the row anew"), Error);
  fs::remove(out / "rule/seed-3/result.json");
  CHECK(study(fixture.options) == 0);
  CHECK(read_json(out / "rule/seed-3/result.json").at("estimate") == result.at("estimate"));

  // Other weights or other settings under the same name are another study.
  StudyOptions options = fixture.options;
  test::write_quickly(fixture.folder / "other.pth", "x");
  options.weights = {(fixture.folder / "other.pth").string()};
  CHECK_THROWS_WITH_AS(study(options), Contains("fold-1 --weights: wanted none as before, got"), Error);
  fixture.plan(row("rule", "threshold = \"best_harmonic_mean\"\nsettings = { learning_rate = 0.5 }\n"));
  CHECK_THROWS_WITH_AS(
      study(fixture.options),
      Contains("was trained with other settings than the plan's now: learning_rate: wanted 0.001"), Error);
}

TEST_CASE("study: more epochs in the plan train, calibrate and measure again") {
  const Fixture fixture;
  const auto plan_with = [&](int epochs) {
    fixture.plan(
        row("a", "threshold = \"p10_seen\"\nsettings = { epochs = " + std::to_string(epochs) + " }\n"));
  };
  plan_with(1);
  CHECK(study(fixture.options) == 0);
  const fs::path folder = fixture.options.out / "a/seed-3";
  const auto calibrated = fs::last_write_time(folder / "fold-1/calibration.json");
  const double seconds = read_json(folder / "result.json").at("training_seconds");
  plan_with(2);
  CHECK(study(fixture.options) == 0);
  CHECK(read_csv(folder / "fold-1/metrics.csv").rows.size() == 4);  // two models
  CHECK(fs::last_write_time(folder / "fold-1/calibration.json") > calibrated);
  CHECK(read_json(folder / "result.json").at("training_seconds").get<double>() > seconds);
}

TEST_CASE("study: one level of classes is told of in classes") {
  Fixture fixture;
  test::write_tiny_classes(fixture.folder / "one");
  fixture.options.folders = {fixture.folder / "one", fixture.folder / "data/cifar-100-binary"};
  fixture.plan(row("classes"));
  CHECK(study(fixture.options) == 0);
  CHECK(read_json(fixture.options.out / "classes/seed-3/result.json").at("one_level") == true);
  const std::string tables = read_text_file(fixture.options.out / "tables.md");
  CHECK(tables.find("| any-class, tern | class, published | class, tern |") != std::string::npos);
  CHECK(tables.find("superclass") == std::string::npos);
}

TEST_CASE("study: a row with members measures and predicts with all of them, in both views") {
  const Fixture fixture;
  const fs::path out = fixture.options.out;
  const std::string more = "threshold = \"seen_target\"\nscore = \"max_logit\"\n";
  fixture.plan(
      row("a", more) + row("b", "settings = { learning_rate = 0.01 }\n") +
      "[[row]]\nname = \"both\"\nmembers = [\"a\", \"b\"]\nviews = \"flip\"\nnovelty_scores = true\n" + more);
  CHECK(study(fixture.options) == 0);
  const Json a = read_json(out / "a/seed-3/result.json"), b = read_json(out / "b/seed-3/result.json"),
             both = read_json(out / "both/seed-3/result.json");
  CHECK(both.at("inputs").at("views") == "flip");
  CHECK(both.at("inputs").at("runs").size() == 6);  // two folds and the last, of two rows
  CHECK(both.at("training_seconds").get<double>() ==
        doctest::Approx(a.at("training_seconds").get<double>() + b.at("training_seconds").get<double>()));
  CHECK(both.at("predictions").at("images") == 12);
  for (const Json& fold : both.at("folds"))
    CHECK(fold.at("novelty").at("sub").at("near").at("scores").contains("calibrated"));
  CHECK(read_text_file(out / "tables.md").find("| both | rows a + b, and flip | as theirs |") !=
        std::string::npos);
  CHECK_FALSE(fs::exists(out / "both/seed-3/last"));
  // The calibrations of the members' row and of the row of one are in one place; neither makes the other anew.
  const auto before = fs::last_write_time(out / "a/seed-3/fold-1/calibration.json");
  CHECK(study(fixture.options) == 0);
  CHECK(fs::last_write_time(out / "a/seed-3/fold-1/calibration.json") == before);
}

TEST_CASE("study: faults before any training") {
  const Fixture fixture;
  fixture.plan(row("a"));
  StudyOptions options = fixture.options;
  options.plan = fixture.folder / "none.toml";
  CHECK_THROWS_WITH_AS(study(options), Contains("none.toml"), Error);
  options = fixture.options;
  options.weights = {"no.pth"};
  CHECK_THROWS_WITH_AS(study(options), Contains("--weights no.pth: wanted a file, or NAME=FILE"), Error);
  test::write_quickly(fixture.folder / "some.pth", "x");
  options.weights = {"v2=" + (fixture.folder / "some.pth").string()};
  CHECK_THROWS_WITH_AS(study(options),
                       Contains("wanted weights for a row of the plan, got no row with weights = "
                                "\"v2\""),
                       Error);
  options.keys = {"ema"};
  CHECK_THROWS_WITH_AS(study(options), Contains("--key ema: wanted --weights that it is for, got none"),
                       Error);
  options.keys = {"v2=ema", "v2=model"};
  CHECK_THROWS_WITH_AS(study(options), Contains("--key v2=model: wanted one key for each of --weights"),
                       Error);
  options = fixture.options;
  options.folders.data = fixture.folder / "nowhere";
  CHECK_THROWS_WITH_AS(study(options), Contains("nowhere: wanted a folder of images in folders of classes"),
                       Error);
  options = fixture.options;
  options.images = fixture.folder / "nowhere";
  CHECK_THROWS_WITH_AS(study(options), Contains("nowhere: wanted a folder or a zip file of images"), Error);
  CHECK_FALSE(fs::exists(options.out));
  fixture.plan(row("a", "folds = 7\n"));
  options = fixture.options;
  CHECK_THROWS_WITH_AS(study(options),
                       Contains("row a folds: wanted at most 6, as there are subclasses, got 7"), Error);
  fixture.plan(row("a") + row("b", "settings = { batch_size = 1 }\n"));
  CHECK_THROWS_WITH_AS(study(fixture.options),
                       Contains("b, seed 3, fold 1 of 2: batch_size: wanted one that leaves no image alone"),
                       Error);
  CHECK_FALSE(fs::exists(fixture.options.out));
  fixture.plan(row("a"));
  options.out = fixture.folder / "data";
  CHECK_THROWS_WITH_AS(study(options), Contains("wanted an absent or empty folder, or one of tern study"),
                       Error);
  options = fixture.options;
  {
    fs::create_directory(options.out);
    const FolderLock other(options.out, "", "");
    CHECK_THROWS_WITH_AS(
        study(options),
        Contains("out: another process is at work on this study; --join works beside it (process"), Error);
    CHECK_FALSE(fs::exists(options.out / "plan.toml"));
  }
  fs::remove(options.out);
  options.dry_run = true;
  CHECK(study(options) == 0);
  CHECK_FALSE(fs::exists(options.out));
}

namespace {

/// How often something is said.
std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// A process that works on the fixture's study beside others: by --join, or since `launched` says that it is one of several.
struct Joined {
  test::TemporaryFolder folder;
  test::Process process;

  explicit Joined(const StudyOptions& options, const std::vector<std::string>& launched = {})
      : process(folder, arguments(options, launched.empty()), {}, launched) {}
  static std::vector<std::string> arguments(const StudyOptions& options, bool join) {
    std::vector<std::string> words{"study",
                                   "--plan",
                                   options.plan.string(),
                                   "--data",
                                   options.folders.data.string(),
                                   "--out",
                                   options.out.string(),
                                   "--threads",
                                   "1"};
    if (join) words.push_back("--join");
    return words;
  }
};

}  // namespace

TEST_CASE("study: several calls share a study, do nothing twice, and end with what one ends with") {
  const Fixture fixture;
  fixture.plan(row("a", "threshold = \"best_harmonic_mean\"\n") +
               row("b", "settings = { batch_size = 7 }\n") +
               "[[row]]\nname = \"c\"\nmembers = [\"a\", \"b\"]\n");
  StudyOptions options = fixture.options;
  CHECK(study(options) == 0);
  const auto results = [&] {
    std::string text;
    for (const char* name : {"a", "b", "c"}) {
      const fs::path folder = options.out / name / "seed-3";
      const Json result = read_json(folder / "result.json");
      text += result.at("estimate").dump() + result.at("folds").dump() +
              read_text_file(folder / "predictions.csv");
    }
    return text;
  };
  const std::string alone = results();

  options.out = fixture.folder / "shared";
  Joined first(options), second(options), third(options);
  const std::size_t trainings = 6;  // a fold, another and all classes, of two rows
  std::size_t again = 0;            // those that are begun twice: what was killed is gone on with
  SUBCASE("all to the end") {
    CHECK(first.process.wait() == 0);
  }
  SUBCASE("one killed") {
    for (int tries = 60'000; tries > 0 && count_of(first.process.output(), ": training ") == 0; --tries)
      usleep(1000);
    first.process.signal(SIGKILL);
    CHECK(first.process.wait() == 128 + SIGKILL);
    again = 1;
  }
  CHECK(second.process.wait() == 0);
  CHECK(third.process.wait() == 0);
  std::size_t begun = 0;
  for (const Joined* one : {&first, &second, &third}) begun += count_of(one->process.output(), ": training ");
  CHECK(begun >= trainings);
  CHECK(begun <= trainings + again);
  CHECK(results() == alone);
  const std::string tables = read_text_file(options.out / "tables.md");
  for (const char* row : {"\n| a |", "\n| b |", "\n| c |"}) CHECK(count_of(tables, row) >= 3);
  CHECK_FALSE(fs::exists(options.out / "lock"));

  test::write_quickly(options.plan, read_text_file(options.plan) + "# another\n");
  Joined other(options);
  CHECK(other.process.wait() == 1);
  CHECK(count_of(other.process.errors(), "the plan of those at work on the study") == 1);

  test::write_quickly(options.plan, read_text_file(options.out / "plan.toml"));
  test::write_tiny_study(fixture.folder / "others", 9);
  options.folders.data = fixture.folder / "others";
  options.folders.cifar = fixture.folder / "data/cifar-100-binary";
  for (const bool join : {true, false}) {
    options.join = join;
    CHECK_THROWS_WITH_AS(study(options), Contains("was begun with, got others"), Error);
  }
}

TEST_CASE("study: a call that ended after its first file goes on, and one that ended before it is none") {
  const Fixture fixture;
  fixture.plan(row("a"));
  const fs::path out = fixture.options.out;
  fs::create_directory(out);
  fs::copy(fixture.options.plan, out / "plan.toml");
  CHECK(study(fixture.options) == 0);
  CHECK(fs::exists(out / "inputs.json"));
  fs::remove(out / "plan.toml");
  CHECK_THROWS_WITH_AS(study(fixture.options),
                       Contains("or one of tern study, got a folder with other files"), Error);
}

TEST_CASE("study: of what a launcher starts each trains for itself, and the first prints the tables") {
  const Fixture fixture;
  fixture.plan(row("a"));
  Joined first(fixture.options, {"PMI_SIZE=2", "PMI_RANK=0"}),
      second(fixture.options, {"PMI_SIZE=2", "PMI_RANK=1"});
  CHECK(first.process.wait() == 0);
  CHECK(second.process.wait() == 0);
  CHECK(count_of(first.process.output() + second.process.output(), ": training ") == 3);
  CHECK(count_of(first.process.output(), "### Table 1") == 1);
  CHECK(count_of(second.process.output(), "### Table 1") == 0);
}
