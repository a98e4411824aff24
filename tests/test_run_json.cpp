// What the page of tern report knows of a run, against numbers that are counted here again.
#include "apps/report/run_json.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "apps/report/pictures.h"
#include "data/image_io.h"
#include "engine/core/check.h"
#include "tests/support/files.h"
#include "tests/support/tiny_level.h"

using namespace tern;
using doctest::Contains;

namespace {

/// A run of the made-up study, with smooth images of 8 x 8 pixels and a far group that nothing like it was
/// trained on.
struct MadeUp {
  test::TemporaryFolder folder;
  StudyData data = test::made_up_study();
  Run run;
  ScoredParts scored;
  Decision decision;

  MadeUp() : run(test::made_up_run(folder, data)) {
    data.split.pseudo_novel_super = {data.split.validation.back()};
    data.split.validation.pop_back();
    data.dataset.image_size = 8;
    for (std::int64_t image = 0; image < data.dataset.count(); ++image) {
      for (int i = 0; i < 8 * 8 * 3; ++i)
        data.dataset.pixels.push_back(static_cast<std::uint8_t>(image + 10 * (i % 3)));
    }
    run.summary["status"] = "complete";
    run.summary["inputs"] = {
        {"data", "/somewhere/secret/birds"}, {"cifar", ""}, {"weights", "w.pth"}, {"fingerprint", "f"}};
    scored = test::made_up_parts(data);
    decision.tau.super = 0.8;
    decision.tau.sub = 0.6;
  }
  Json json() const { return run_json("made up", run, data, {Level::super, Level::sub}, scored, decision); }
};

const Json& entry(const Json& list, const char* key, std::string_view value) {
  for (const Json& one : list) {
    if (one.at(key) == value) return one;
  }
  FAIL("no entry with ", key, " ", std::string(value));
  return list;
}

/// The most probable column and its softmax probability among the allowed ones, in double precision.
std::pair<int, double> naive_answer(const float* logits, const std::vector<int>& allowed) {
  double sum = 0;
  int best = allowed.front();
  for (const int c : allowed) {
    if (logits[c] > logits[best]) best = c;
  }
  for (const int c : allowed) sum += std::exp(static_cast<double>(logits[c]) - logits[best]);
  return {best, 1 / sum};
}

double pairwise_auroc(const std::vector<double>& seen, const std::vector<double>& novel) {
  double wins = 0;
  for (const double s : seen) {
    for (const double n : novel) wins += n < s ? 1 : n == s ? 0.5 : 0;
  }
  return wins / static_cast<double>(seen.size() * novel.size());
}

std::vector<std::byte> from_base64(const std::string& text) {
  std::vector<std::byte> bytes;
  unsigned group = 0;
  int bits = 0;
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const char c : text) {
    if (c == '=') break;
    group = group << 6 | static_cast<unsigned>(digits.find(c));
    if ((bits += 6) >= 8) bytes.push_back(static_cast<std::byte>(group >> (bits -= 8) & 255));
  }
  return bytes;
}

}  // namespace

TEST_CASE("run_json: every image of the subclass level with class, answer and confidence") {
  const MadeUp made;
  const Json json = made.json();
  const Json& level = entry(json.at("levels"), "level", "sub");
  CHECK(level.at("tau") == 0.6);
  CHECK(level.at("novel") == 4);
  const Json& groups = level.at("groups");
  REQUIRE(groups.size() == 4);
  const std::vector<std::pair<const char*, std::size_t>> wanted{
      {"seen", 30}, {"near", 30}, {"far", 6}, {"far_held_out", 1}};
  for (std::size_t g = 0; g < wanted.size(); ++g) {
    CHECK(groups[g].at("key") == wanted[g].first);
    CHECK(groups[g].at("truth").size() == wanted[g].second);
    CHECK(groups[g].at("novel") == (g > 0));
  }
  // Column 1 was never trained, and is masked. Validation images come in the order of the split: seen before
  // far.
  const std::vector<float>& logits = made.scored.validation.logits.sub;
  int novel_answers = 0;
  for (std::size_t i = 0; i < 36; ++i) {
    const Json& group = groups[i < 30 ? 0 : 2];
    const std::size_t row = i < 30 ? i : i - 30;
    const auto [answer, probability] = naive_answer(&logits[5 * i], {0, 2, 3, 4});
    const double confidence = group.at("confidence")[row];
    CHECK(group.at("answer")[row] == answer);
    CHECK(confidence == doctest::Approx(answer == 4 ? 0 : probability).epsilon(1e-5));
    CHECK(group.at("truth")[row] ==
          made.data.dataset.subclasses[static_cast<std::size_t>(made.data.split.validation[i])]);
    novel_answers += answer == 4;
  }
  CHECK(novel_answers > 0);
}

TEST_CASE("run_json: numbers are short and read back as the same floats") {
  const MadeUp made;
  const std::vector<ReportGroup> groups =
      report_groups(made.run, made.data, made.scored, made.decision, Level::sub);
  const Json json = made.json();
  const Json& numbers =
      entry(entry(json.at("levels"), "level", "sub").at("groups"), "key", "near").at("confidence");
  for (std::size_t i = 0; i < groups[1].confidences.size(); ++i) {
    CHECK(static_cast<float>(numbers[i].get<double>()) == groups[1].confidences[i]);
    CHECK(numbers[i].dump().size() <= 13);
  }
}

TEST_CASE("run_json: at the superclass level held-out subclasses are to be recognised") {
  const MadeUp made;
  const Json json = made.json();
  const Json& level = entry(json.at("levels"), "level", "super");
  const Json& known = entry(level.at("groups"), "key", "known");
  CHECK(known.at("novel") == false);
  CHECK(known.at("truth") == Json(std::vector<int>(30, 0)));
  std::vector<std::string> curves;
  for (const Json& curve : level.at("curves")) curves.push_back(curve.at("group"));
  CHECK(curves == std::vector<std::string>{"far", "far_held_out"});
}

TEST_CASE("run_json: areas and curves") {
  const MadeUp made;
  const Json json = made.json();
  const Json& level = entry(json.at("levels"), "level", "sub");
  const auto confidences = [&](const char* key) {
    return entry(level.at("groups"), "key", key).at("confidence").get<std::vector<double>>();
  };
  const std::vector<double> seen = confidences("seen");
  const Json& group = entry(level.at("groups"), "key", "seen");
  double closed = 0;
  for (std::size_t i = 0; i < seen.size(); ++i) closed += group.at("truth")[i] == group.at("answer")[i];
  for (const char* key : {"near", "far", "far_held_out"}) {
    CAPTURE(key);
    const Json& curve = entry(level.at("curves"), "group", key);
    CHECK(curve.at("auroc").get<double>() == doctest::Approx(pairwise_auroc(seen, confidences(key))));
    CHECK(curve.at("auroc_low").get<double>() <= curve.at("auroc").get<double>());
    CHECK(curve.at("auroc_high").get<double>() >= curve.at("auroc").get<double>());
    CHECK((curve.at("auroc_low") < curve.at("auroc_high")) == (curve.at("auroc") < 1.0));
    std::vector<double> right, failures = confidences(key);
    for (std::size_t i = 0; i < seen.size(); ++i)
      (group.at("truth")[i] == group.at("answer")[i] ? right : failures).push_back(seen[i]);
    const double a = static_cast<double>(right.size()) / static_cast<double>(right.size() + failures.size());
    CHECK(curve.at("augrc").get<double>() ==
          doctest::Approx((1 - pairwise_auroc(right, failures)) * a * (1 - a) + (1 - a) * (1 - a) / 2));
    CHECK(curve.at("aurc").get<double>() >= doctest::Approx(curve.at("augrc").get<double>()));
    CHECK(curve.at("roc").front() == Json({0.0, 0.0}));
    CHECK(curve.at("roc").back() == Json({1.0, 1.0}));
    CHECK(curve.at("oscr_curve").back()[1].get<double>() == doctest::Approx(closed / 30).epsilon(1e-4));
    // Trapezoids over the points give the area, but for what thinning left out.
    double area = 0;
    const Json& points = curve.at("oscr_curve");
    for (std::size_t i = 1; i < points.size(); ++i) {
      area += (points[i][0].get<double>() - points[i - 1][0].get<double>()) *
              (points[i][1].get<double>() + points[i - 1][1].get<double>()) / 2;
    }
    CHECK(area == doctest::Approx(curve.at("oscr").get<double>()).epsilon(0.01));
  }
}

TEST_CASE("run_json: accuracy and reliability are of seen images") {
  const MadeUp made;
  const Json json = made.json();
  const Json& closed = entry(json.at("levels"), "level", "super").at("closed_set");
  CHECK(closed.at("images") == 30);
  std::int64_t images = 0;
  double right = 0;
  for (const Json& bin : closed.at("reliability")) {
    images += bin.at("images").get<std::int64_t>();
    right += bin.at("images").get<double>() * bin.at("accuracy_percent").get<double>();
  }
  CHECK(images == 30);
  CHECK(right / 30 == doctest::Approx(closed.at("accuracy_percent").get<double>()));
}

TEST_CASE("run_json: the most novel images of every kind, the least confident first") {
  const MadeUp made;
  const std::vector<ReportGroup> groups =
      report_groups(made.run, made.data, made.scored, made.decision, Level::sub);
  const Json pictures = novel_pictures_json(made.data, groups, 5);
  REQUIRE(pictures.size() == groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    CHECK(pictures[g].at("group") == groups[g].key);
    CHECK(pictures[g].at("images") == groups[g].images.size());
    std::vector<float> confidences = groups[g].confidences;
    std::sort(confidences.begin(), confidences.end());
    const Json& items = pictures[g].at("items");
    REQUIRE(items.size() == std::min<std::size_t>(5, confidences.size()));
    for (std::size_t i = 0; i < items.size(); ++i) {
      CHECK(items[i].at("confidence").get<float>() == confidences[i]);
      const std::size_t index = items[i].at("index");
      CHECK(items[i].at("name") == made.data.dataset.names[index]);
      CHECK(items[i].at("subclass") == made.data.dataset.subclasses[index]);
    }
  }
}

TEST_CASE("run_json: pictures are the surest mistakes, the surest first") {
  const MadeUp made;
  const std::vector<ReportGroup> groups =
      report_groups(made.run, made.data, made.scored, made.decision, Level::sub);
  const Json pictures = pictures_json(made.data, groups, 4, 5);
  const Json& near = entry(pictures, "group", "near");
  std::size_t wrong = 0;
  for (const std::int32_t answer : groups[1].answers) wrong += answer != 4;
  CHECK(near.at("wrong") == wrong);
  REQUIRE(near.at("items").size() == 5);
  double last = 1;
  for (const Json& item : near.at("items")) {
    CHECK(item.at("truth") == 1);
    CHECK(item.at("answer") != 4);
    CHECK(item.at("confidence").get<double>() <= last);
    last = item.at("confidence");
    // The image of that name, but for what JPEG changes.
    const std::string url = item.at("image");
    REQUIRE(url.starts_with("data:image/jpeg;base64,"));
    const Image image = decode_image(from_base64(url.substr(url.find(',') + 1)), "picture");
    const int number = std::stoi(item.at("name").get<std::string>());
    REQUIRE(image.width == 8);
    for (std::size_t i = 0; i < image.rgb.size(); ++i) {
      CHECK(std::abs(image.rgb[i] - (number + 10 * static_cast<int>(i % 3))) <= 4);
    }
  }
  double best = 0;
  for (std::size_t i = 0; i < 30; ++i) {
    if (groups[1].answers[i] != 4) best = std::max(best, static_cast<double>(groups[1].confidences[i]));
  }
  CHECK(near.at("items")[0].at("confidence").get<double>() == doctest::Approx(best));
}

TEST_CASE("run_json: settings that differ, and no folder of the maker's machine") {
  MadeUp made;
  made.run.config = make_config({"backbone=resnet50", "tau_sub=0.85"});
  const Json json = made.json();
  CHECK(entry(json.at("settings"), "key", "backbone").at("default") == "\"resnet18\"");
  CHECK_FALSE(entry(json.at("settings"), "key", "tau_sub").contains("default"));
  CHECK(json.at("summary").at("inputs").at("data") == "birds");
  CHECK(json.dump().find("secret") == std::string::npos);
  CHECK(json.at("counts").at("held_out_subclasses") == Json({1}));
}

TEST_CASE("run_json: thresholds of calibration.json") {
  const MadeUp made;
  CHECK(entry(made.json().at("levels"), "level", "sub").at("candidates").empty());
  made.folder.write(
      "run/calibration.json",
      R"({"sub": {"candidates": [{"rule": "p10_seen", "tau": 0.25, "of_reference": true, "x": 1}]}})");
  const Json json = made.json();
  CHECK(entry(json.at("levels"), "level", "sub").at("candidates") ==
        Json::parse(R"([{"rule": "p10_seen", "tau": 0.25, "of_reference": true}])"));
  CHECK(entry(json.at("levels"), "level", "super").at("candidates").empty());
  for (const char* other : {"[]", "{\"sub\": 3}", "{\"sub\": {\"candidates\": [{\"rule\": 1}]}}"}) {
    made.folder.write("run/calibration.json", other);
    if (std::string(other) == "[]") continue;  // no level in it
    CHECK_THROWS_WITH_AS(made.json(), Contains("calibration.json: wanted what tern calibrate writes"), Error);
  }
}

TEST_CASE("run_json: metrics.csv, whole, absent and cut") {
  const MadeUp made;
  CHECK(epochs_json(made.run).empty());
  made.folder.write("run/metrics.csv",
                    "model,epoch,train_loss,val\nsuper,1,0.5,\nsub,1,2,3\nsuper,2,0.25,7\n");
  CHECK(epochs_json(made.run) == Json::parse(R"([
      {"model": "super", "columns": {"epoch": [1.0, 2.0], "train_loss": [0.5, 0.25], "val": [null, 7.0]}},
      {"model": "sub", "columns": {"epoch": [1.0], "train_loss": [2.0], "val": [3.0]}}])"));
  made.folder.write("run/metrics.csv", "model,epoch,train_loss,val\nsuper,1,0.5,\nsuper,2");
  CHECK_THROWS_WITH_AS(epochs_json(made.run), Contains("metrics.csv"), Error);
  made.folder.write("run/metrics.csv", "model,epoch,train_loss\nsuper,,0.5\n");
  CHECK_THROWS_WITH_AS(epochs_json(made.run), Contains("epoch"), Error);
  made.folder.write("run/metrics.csv", "model,train_loss\nsuper,0.5\n");
  CHECK_THROWS_WITH_AS(epochs_json(made.run), Contains("epoch"), Error);
}

TEST_CASE("run_json: what does not exist is left out; NaN and a run without seen images are errors") {
  MadeUp made;
  made.scored.pseudo_novel = {};
  made.data.split.pseudo_novel.clear();
  made.data.split.pseudo_novel_super.clear();
  made.scored.pseudo_novel_super = {};
  Json json = made.json();
  const Json& level = entry(json.at("levels"), "level", "super");
  CHECK(level.at("groups").size() == 2);
  CHECK(level.at("curves").size() == 1);
  made.data.split.validation.resize(30);
  made.scored.validation = test::made_up_scores(made.data, made.data.split.validation);
  json = made.json();
  CHECK(entry(json.at("levels"), "level", "sub").at("groups").size() == 1);
  CHECK(entry(json.at("levels"), "level", "sub").at("curves").empty());

  made.scored.validation.logits.sub[7] = std::nanf("");
  CHECK_THROWS_WITH_AS(made.json(), Contains("wanted numbers for logits, got NaN"), Error);
  made.data.split.validation.clear();
  made.scored.validation = {};
  CHECK_THROWS_WITH_AS(made.json(), Contains("wanted validation images of known classes, got none"), Error);
}
