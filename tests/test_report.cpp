// tern report on trained runs. What it writes in detail: test_run_json.cpp, test_report_page.cpp; how it
// behaves in a browser: check_report.py.
#include "apps/report/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "apps/measure/evaluate.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/safetensors.h"
#include "engine/metrics/accuracy.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;

namespace {

ReportOptions options_for(const test::TinyRun& trained, const std::string& out = "report.html") {
  ReportOptions options;
  options.runs = {trained.run()};
  options.out = trained / out;
  options.runtime = {"cpu", 1};
  return options;
}

Json data_of(const std::filesystem::path& file) {
  const std::string page = read_text_file(file);
  const std::string start = R"(<script type="application/json" id="data">)";
  const std::size_t from = page.find(start) + start.size();
  return Json::parse(page.substr(from, page.find("</script>", from) - from));
}

/// Seen images of a level that are kept, right, and called novel at tau.
NoveltyCounts counts_at(const Json& level, double tau) {
  NoveltyCounts counts;
  const std::int32_t novel = level.at("novel");
  for (const Json& group : level.at("groups")) {
    if (group.at("key") != "seen" && group.at("key") != "far") continue;
    for (std::size_t i = 0; i < group.at("truth").size(); ++i) {
      const bool kept = group.at("confidence")[i].get<float>() >= static_cast<float>(tau);
      counts.add(group.at("truth")[i], kept ? group.at("answer")[i].get<std::int32_t>() : novel, novel);
    }
  }
  return counts;
}

}  // namespace

TEST_CASE("report: one run, as tern evaluate counts it, and its errors") {
  const test::TinyRun trained(
      {"epochs=1", "cifar=small", "cifar_count=8", "hold_out=true", "hold_out_fraction=0.2"});
  ReportOptions options = options_for(trained);
  options.decision.tau.sub = 0.31;
  CHECK(report(options) == 0);
  const Json run = data_of(options.out).at("runs").at(0);
  CHECK(run.at("name") == "run");
  CHECK(run.at("epochs").size() == 1);
  CHECK(run.at("levels").size() == 2);
  CHECK(run.at("levels")[1].at("tau") == 0.31);
  CHECK(run.at("levels")[0].at("tau") == 0.99);
  CHECK(run.at("heat") == Json{{"layer", "layer1"}, {"rows", 4}, {"columns", 4}});

  EvaluateOptions evaluation;
  evaluation.runs = {trained.run()};
  evaluation.novelty_scores = false;
  evaluation.runtime = {"cpu", 1};
  for (const double tau : {0.0, 0.31, 0.5, 1.0}) {
    CAPTURE(tau);
    evaluation.decision.tau.super = evaluation.decision.tau.sub = tau;
    evaluate(evaluation);
    const Json evaluated = read_json(trained / "run/evaluation.json").at("validation");
    for (const Json& level : run.at("levels")) {
      const NoveltyCounts counts = counts_at(level, tau);
      const Json& wanted = evaluated.at(level.at("level").get<std::string>());
      CHECK(counts.seen == wanted.at("seen_images"));
      CHECK(*counts.seen_accuracy() == wanted.at("accuracy_seen_percent"));
      CHECK(*counts.false_novel_rate() == wanted.at("false_novel_rate_percent"));
      CHECK(*counts.novel_accuracy() == wanted.at("accuracy_novel_percent"));
    }
  }

  const std::string before = read_text_file(options.out);
  const auto error_with = [&](auto&& change) {
    ReportOptions changed = options;
    change(changed);
    return test::error_of([&] { report(changed); });
  };
  CHECK(error_with([&](ReportOptions& o) { o.runs.push_back(trained / "run/"); }) ==
        (trained / "run/").string() + ": wanted each run once, got it twice");
  CHECK(error_with([&](ReportOptions& o) {
          o.runs.push_back(trained / "none");
        }).find("none: wanted a run folder") != std::string::npos);
  CHECK(error_with([&](ReportOptions& o) {
          o.out = trained / "run/summary.json";
        }).find("not the run's own") != std::string::npos);
  CHECK(error_with([&](ReportOptions& o) { o.out = trained / "data/train_data.csv"; }).find("the images") !=
        std::string::npos);
  CHECK(error_with([&](ReportOptions& o) {
          o.out = trained / "run";
        }).starts_with("--out: " + (trained / "run").string()));
  CHECK(error_with([&](ReportOptions& o) { o.decision.tau_rules = {"p10_seen"}; }).find("calibration.json") !=
        std::string::npos);

  test::write_quickly(trained / "page.txt", "");
  test::write_quickly(trained / "mine.html", "<p>mine</p>");
  CHECK(error_with([&](ReportOptions& o) { o.out = trained / "page.txt"; }).find("ends in .html") !=
        std::string::npos);
  CHECK(error_with([&](ReportOptions& o) { o.out = trained / "mine.html"; }).find("got another file") !=
        std::string::npos);
  CHECK(read_text_file(trained / "mine.html") == "<p>mine</p>");

  // Half-written runs.
  const std::string metrics = read_text_file(trained / "run/metrics.csv");
  test::write_quickly(trained / "run/metrics.csv", metrics.substr(0, metrics.size() - 40));
  CHECK(error_with([](ReportOptions&) {}).find("metrics.csv") != std::string::npos);
  std::filesystem::remove(trained / "run/metrics.csv");
  CHECK(error_with([](ReportOptions&) {}) == "no error");
  CHECK(data_of(options.out).at("runs")[0].at("epochs").empty());
  test::write_quickly(options.out, before);
  std::filesystem::rename(trained / "run/checkpoints", trained / "run/elsewhere");
  CHECK(error_with([](ReportOptions&) {}).find("wanted a checkpoint") != std::string::npos);
  std::filesystem::rename(trained / "run/elsewhere", trained / "run/checkpoints");
  std::filesystem::rename(trained / "run/summary.json", trained / "summary.json");
  CHECK(error_with([](ReportOptions&) {}).find("wanted a run with summary.json") != std::string::npos);
  std::filesystem::rename(trained / "summary.json", trained / "run/summary.json");
  test::write_image(trained / "data/train_images/0.png", 3, 99);
  CHECK(error_with([](ReportOptions&) {}).find("the images that the run was trained on") !=
        std::string::npos);
  CHECK(read_text_file(options.out) == before);  // no failure touched it
}

TEST_CASE("report: heat maps, and the nearest training images, which are scored once") {
  const test::TinyRun trained({"epochs=1", "image_size=64", "hold_out=true", "hold_out_fraction=0.2"});
  ReportOptions options = options_for(trained);
  const std::filesystem::path kept = trained / "run/known_features.safetensors";
  const CsvTable split = read_csv(trained / "run/split.csv");
  const auto is_known_training_image = [&](const Json& known) {
    return std::any_of(split.rows.begin(), split.rows.end(), [&](const std::vector<std::string>& row) {
      return row[0] == known.at("name").get<std::string>() && row[1] == "train" && row[3] != "6" &&
             row[3] == std::to_string(known.at("subclass").get<int>());
    });
  };
  const auto check = [&] {
    const Json run = data_of(options.out).at("runs").at(0);
    CHECK(run.at("notes").empty());
    CHECK(run.at("heat") == Json{{"layer", "layer3"}, {"rows", 4}, {"columns", 4}});
    REQUIRE(run.at("known").size() > 0);
    for (const Json& known : run.at("known")) CHECK(is_known_training_image(known));
    std::size_t items = 0;
    for (const Json& level : run.at("levels")) {
      for (const char* list : {"pictures", "novel_pictures"}) {
        for (const Json& set : level.at(list)) {
          for (const Json& item : set.at("items")) {
            CHECK(item.at("heat").get<std::string>().starts_with("data:image/jpeg;base64,"));
            CHECK(item.at("heat") != item.at("image"));
            REQUIRE(item.at("nearest").size() == 3);
            double before = 1.0001;
            for (const Json& one : item.at("nearest")) {
              CHECK(one[0].get<std::size_t>() < run.at("known").size());
              CHECK(one[1].get<double>() <= before);
              before = one[1];
            }
            ++items;
          }
        }
      }
    }
    CHECK(items > 10);
  };
  CHECK_FALSE(std::filesystem::exists(kept));
  report(options);
  check();
  REQUIRE(std::filesystem::exists(kept));
  const Json first = data_of(options.out);

  SUBCASE("the second time they are read") {
    const auto written = std::filesystem::last_write_time(kept);
    report(options);
    CHECK(data_of(options.out) == first);
    CHECK(std::filesystem::last_write_time(kept) == written);
    options.out = kept;
    CHECK(test::error_of([&] { report(options); }).find("not the run's own") != std::string::npos);
  }
  SUBCASE("those of other models are not taken") {
    SafetensorsFile file = read_safetensors(kept);
    file.metadata["models"] = "0";
    write_safetensors(kept, file.tensors, file.metadata);
    report(options);
    CHECK(data_of(options.out) == first);
    CHECK(read_safetensors(kept).metadata.at("models") != "0");
  }
  SUBCASE("damaged ones are made anew") {
    const std::string whole = read_text_file(kept);
    const SafetensorsFile file = read_safetensors(kept);
    std::string flipped = whole;
    flipped[whole.size() - 5] = static_cast<char>(flipped[whole.size() - 5] ^ 1);
    std::vector<float> values = file.tensors.front().tensor.to_vector<float>();
    values[3] = std::numeric_limits<float>::quiet_NaN();
    const auto check_made_anew = [&] {
      CHECK(read_text_file(kept) != whole);
      report(options);
      CHECK(data_of(options.out) == first);
      CHECK(read_text_file(kept) == whole);
    };
    for (const std::string& damaged : {std::string(), whole.substr(0, whole.size() / 2), flipped}) {
      test::write_quickly(kept, damaged);
      check_made_anew();
    }
    const Shape shape = file.tensors.front().tensor.shape();
    write_safetensors(kept, {{"features", Tensor::from(shape, values)}}, file.metadata);
    check_made_anew();
    write_safetensors(kept, {{"features", Tensor::from(Shape{shape[0], 1}, std::vector<float>(shape[0]))}},
                      file.metadata);
    check_made_anew();
    Metadata without = file.metadata;
    without.erase("checksum");  // of an earlier tern's
    write_safetensors(kept, file.tensors, without);
    check_made_anew();
  }
  SUBCASE("without") {
    options.nearest = false;
    report(options);
    const Json run = data_of(options.out).at("runs").at(0);
    CHECK(run.at("known").empty());
    CHECK_FALSE(run.at("levels")[0].at("novel_pictures")[0].at("items")[0].contains("nearest"));
  }
}

TEST_CASE("report: several runs, one of one level and without anything novel") {
  const test::TinyRun whole(
      {"epochs=1", "cifar=small", "cifar_count=8", "hold_out=true", "hold_out_fraction=0.2"});
  const test::TinyRun part({"epochs=1", "cifar=none", "approach=two_models", "levels=sub"});
  ReportOptions options = options_for(whole);
  options.runs.push_back(part.run());
  CHECK(report(options) == 0);
  const Json runs = data_of(options.out).at("runs");
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].at("name") != runs[1].at("name"));  // both folders are called "run"
  CHECK(runs[0].at("name").get<std::string>().ends_with("/run"));
  CHECK(runs[1].at("levels").size() == 1);
  CHECK(runs[1].at("levels")[0].at("groups").size() == 1);
  CHECK(runs[1].at("levels")[0].at("curves").empty());
}
