// The CSV of predictions: a row an image, in numeric order, whole or not at all.
#include "apps/measure/predict.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "apps/measure/answer_images.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "tests/support/full_disk.h"
#include "tests/support/process.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

PredictOptions options_for(const test::TinyRun& trained) {
  PredictOptions options;
  options.runs = {trained.run()};
  options.images = trained / "data/test_images";
  options.out = trained / "predictions.csv";
  options.replace = true;
  options.decision.tau.super = options.decision.tau.sub = 0.4;
  return options;
}

/// What the script of a page reads.
Json data_of(const fs::path& page) {
  const std::string text = read_text_file(page), start = R"(<script type="application/json" id="data">)";
  const std::size_t from = text.find(start) + start.size();
  return Json::parse(text.substr(from, text.find("</script>", from) - from));
}

/// One training for all cases.
const test::TinyRun& two_models() {
  static const test::TinyRun trained({"approach=two_models", "epochs=1"});
  return trained;
}

}  // namespace

TEST_CASE("predict: rows, order, thresholds, probabilities, zip and faults") {
  const test::TinyRun& trained = two_models();
  PredictOptions options = options_for(trained);
  options.labels = trained / "data/test_labels.csv";
  CHECK(predict(options) == 0);
  const CsvTable csv = read_csv(options.out);
  CHECK(csv.header == std::vector<std::string>{"image", "superclass_index", "subclass_index"});
  REQUIRE(csv.rows.size() == 12);
  for (std::size_t i = 0; i < 12; ++i) {
    CHECK(csv.rows[i][0] == std::to_string(i) + ".png");  // 2.png before 10.png
    CHECK(csv.integer(i, 1) <= 3);
    CHECK(csv.integer(i, 2) <= 6);
  }
  const std::string first = read_text_file(options.out);

  SUBCASE("consistent answers contradict no superclass") {
    options.decision.consistent = true;
    options.decision.tau.super = 0.5;
    options.decision.tau.sub = 0;
    predict(options);
    const CsvTable consistent = read_csv(options.out);
    for (std::size_t i = 0; i < 12; ++i) {
      const std::int64_t super = consistent.integer(i, 1), sub = consistent.integer(i, 2);
      CHECK((sub == 6 || sub / 2 == super));
    }
  }
  SUBCASE("the confidence of a consistent answer is that of the class it is about, with or without details") {
    options.decision.consistent = options.probabilities = options.details = true;
    options.decision.tau = {0.5, 0.2};
    predict(options);
    const CsvTable more = read_csv(options.out);
    REQUIRE(more.header[4] == "subclass_probability");
    REQUIRE(more.header[8] == "subclass_confidence");
    for (std::size_t i = 0; i < 12; ++i) {
      const double probability = more.number(i, 4), confidence = more.number(i, 8);
      const bool in_novel_superclass = more.integer(i, 1) == 3;
      CHECK(confidence == doctest::Approx(in_novel_superclass ? 0 : probability).epsilon(1e-4));
      CHECK((confidence < 0.2) == (more.integer(i, 2) == 6));
    }
  }
  SUBCASE("names are those of the indices") {
    options.names = true;
    predict(options);
    const CsvTable named = read_csv(options.out);
    CHECK(named.header ==
          std::vector<std::string>{"image", "superclass_index", "subclass_index", "superclass", "subclass"});
    const ClassTable classes = Run::open(trained.run()).classes();
    for (std::size_t i = 0; i < 12; ++i) {
      CHECK(named.rows[i][3] == classes.superclass_names[static_cast<std::size_t>(named.integer(i, 1))]);
      CHECK(named.rows[i][4] == classes.subclass_names[static_cast<std::size_t>(named.integer(i, 2))]);
    }
  }
  SUBCASE("probabilities are below the threshold exactly where the answer is novel") {
    options.probabilities = true;
    options.decision.tau.super = 0.5;
    options.decision.tau.sub = 0.3;
    predict(options);
    const CsvTable more = read_csv(options.out);
    REQUIRE(more.header.size() == 5);
    for (std::size_t i = 0; i < 12; ++i) {
      CHECK((more.number(i, 3) < 0.5) == (more.integer(i, 1) == 3));
      CHECK((more.number(i, 4) < 0.3) == (more.integer(i, 2) == 6));
    }
  }
  SUBCASE("a zip gives the same as a folder") {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const auto& entry : fs::directory_iterator(options.images)) {
      entries.emplace_back("test_images/" + entry.path().filename().string(), read_text_file(entry.path()));
    }
    test::write_zip(trained / "test.zip", entries);
    options.images = trained / "test.zip";
    predict(options);
    CHECK(read_text_file(options.out) == first);
    options.out = options.images;
    CHECK_THROWS_WITH_AS(predict(options), Contains("got the images"), Error);
  }
  SUBCASE("labels by index mean the names beside them; without any a line says what they are taken for") {
    const CsvTable plain = read_csv(options.labels);
    const fs::path other = trained / "numbered_backwards", alone = trained / "alone";
    fs::create_directories(other);
    fs::create_directories(alone);
    std::string rows = "image,superclass_index,subclass_index\n";
    for (std::size_t i = 0; i < plain.rows.size(); ++i) {
      const std::int64_t super = plain.integer(i, 1), sub = plain.integer(i, 2);
      rows += plain.rows[i][0] + "," + std::to_string(super == 3 ? 3 : 2 - super) + "," +
              std::to_string(sub == 6 ? 6 : 5 - sub) + "\n";
    }
    test::write_quickly(other / "labels.csv", rows);
    const ClassTable classes = Run::open(trained.run()).classes();
    for (const Level level : kLevels) {
      const std::vector<std::string>& names = classes.names(level);
      std::string mapping = "index,class\n";
      for (std::size_t i = 0; i + 1 < names.size(); ++i)
        mapping += std::to_string(i) + "," + names[names.size() - 2 - i] + "\n";
      mapping += std::to_string(names.size() - 1) + ",novel\n";
      test::write_quickly(other / (std::string(name_of(level)) + "class_mapping.csv"), mapping);
    }
    fs::copy(options.labels, alone / "labels.csv");
    const auto result_with = [&](const fs::path& labels) {
      test::Result result = test::run_tern(
          {"predict", "--run", options.runs.front().string(), "--images", options.images.string(), "--out",
           (trained / "labelled.csv").string(), "--labels", labels.string(), "--tau-super", "0.4",
           "--tau-sub", "0.4", "--json", "--quiet", "--replace"});
      CHECK(result.code == 0);
      return result;
    };
    const test::Result wanted = result_with(options.labels);
    CHECK(wanted.errors.empty());
    const test::Result renumbered = result_with(other / "labels.csv");
    CHECK(renumbered.errors.empty());
    CHECK(renumbered.output == wanted.output);
    const test::Result without = result_with(alone / "labels.csv");
    CHECK(without.output == wanted.output);
    CHECK(
        without.errors.find("no superclass_mapping.csv beside it, so its indices are taken for the run's") !=
        std::string::npos);
  }
  SUBCASE("a zip by other programs gives the same names, and what is passed over is told before the result") {
    std::vector<std::pair<std::string, std::string>> entries{{"./a.webp", "another format"}};
    for (const auto& entry : fs::directory_iterator(options.images)) {
      const bool even = entries.size() % 2 == 0;
      entries.emplace_back((even ? "./" : "test_images\\") + entry.path().filename().string(),
                           read_text_file(entry.path()));
    }
    const std::string images = (trained / "others.zip").string(), out = (trained / "others.csv").string();
    test::write_zip(images, entries);
    std::vector<std::string> command{"predict",   "--run",       options.runs.front().string(),
                                     "--images",  images,        "--out",
                                     out,         "--tau-super", "0.4",
                                     "--tau-sub", "0.4"};
    const test::Result result = test::run_tern(command);
    INFO(result.errors);
    CHECK(result.code == 0);
    const std::size_t told = result.output.find("passed over 1 file of " + images + ": 1 .webp (a.webp)\n");
    CHECK(told < result.output.find("12 images: "));
    CHECK(read_text_file(out) == first);
    command.insert(command.end(), {"--quiet", "--replace"});
    const test::Result quiet = test::run_tern(command);
    CHECK(quiet.output.empty());
    CHECK(quiet.errors == "passed over 1 file of " + images + ": 1 .webp (a.webp)\n");
  }
  SUBCASE("an unreadable image leaves the old file as it was") {
    fs::copy(options.images, trained / "broken");
    test::write_quickly(trained / "broken/5.png", "no image");
    options.images = trained / "broken";
    options.labels.clear();
    CHECK_THROWS_WITH_AS(predict(options), Contains("5.png"), Error);
    CHECK(read_text_file(options.out) == first);
  }
  SUBCASE("a full disk leaves the old file as it was, and nothing beside it") {
    {
      const test::FullDisk full(16);
      CHECK_THROWS_WITH_AS(predict(options), Contains("predictions.csv"), Error);
    }
    CHECK(read_text_file(options.out) == first);
    for (const auto& entry : fs::directory_iterator(options.out.parent_path())) {
      CHECK(entry.path().string().find(".tmp") == std::string::npos);
    }
  }
  SUBCASE("where to write, and what from, is checked first") {
    options.out = trained / "absent/predictions.csv";
    CHECK_THROWS_WITH_AS(predict(options), Contains("--out"), Error);
    options.out = trained.run();
    CHECK_THROWS_WITH_AS(predict(options), Contains("wanted a file to write, got a folder"), Error);
    options.out = "/dev/null";
    CHECK_THROWS_WITH_AS(predict(options), Contains("wanted a file to write, got a device"), Error);
    options.out = options.labels;
    CHECK_THROWS_WITH_AS(predict(options), Contains("got the labels"), Error);
    options.out = options.images / "3.png";
    CHECK_THROWS_WITH_AS(predict(options), Contains("got one of the images"), Error);
    options.labels.clear();  // they look like predictions
    options.out = trained / "data/test_labels.csv";
    CHECK_THROWS_WITH_AS(predict(options), Contains("got the images"), Error);
    options.labels = options.out;
    options.out = trained.run() / "checkpoints/new.csv";
    CHECK_THROWS_WITH_AS(predict(options), Contains("got one among its checkpoints"), Error);
    options.out = trained.run() / "summary.json";
    CHECK_THROWS_WITH_AS(predict(options), Contains("got one that tern writes there"), Error);
    fs::create_symlink(trained.run() / "checkpoints/best_sub.safetensors", trained / "link");
    options.out = trained / "link";
    CHECK_THROWS_WITH_AS(predict(options), Contains("got one that tern writes there"), Error);
    test::write_quickly(trained / "notes.csv", "image,note\n1.jpg,a bird\n");
    options.out = trained / "notes.csv";
    options.replace = false;
    CHECK_THROWS_WITH_AS(
        predict(options),
        Contains(
            "wanted a new file, or --replace to write over the one that is there, got one that is there"),
        Error);
    CHECK(read_text_file(options.out) == "image,note\n1.jpg,a bird\n");
    options.replace = true;
    CHECK(predict(options) == 0);
    options.replace = false;
    CHECK_THROWS_AS(predict(options), Error);  // over its own, which looks like a table of labels
    test::write_quickly(options.out, "");      // as mktemp leaves it
    CHECK(predict(options) == 0);
    options.replace = true;
    options.out = trained / "data/test_labels.csv";  // not that of the data, even so
    CHECK_THROWS_WITH_AS(predict(options), Contains("got the labels"), Error);
    options = options_for(trained);
    fs::create_directories(trained / "other/pictures");  // of another data set than the run's
    test::write_quickly(trained / "other/train_data.csv", "image,class\n1.png,cat\n");
    options.images = trained / "other/pictures";
    options.out = trained / "other/train_data.csv";
    CHECK_THROWS_WITH_AS(predict(options), Contains("wanted another file than the inputs, got the images"),
                         Error);
    options = options_for(trained);
    options.images = trained / "data/train_data.csv";
    CHECK_THROWS_AS(predict(options), Error);
  }
}

TEST_CASE("predict: the page has every image once, by answer, with what the table says of it") {
  const test::TinyRun& trained = two_models();
  PredictOptions options = options_for(trained);
  options.out = trained / "paged.csv";
  options.page = trained / "page.html";
  options.labels = trained / "data/test_labels.csv";
  options.details = true;
  CHECK(predict(options) == 0);
  const CsvTable csv = read_csv(options.out);
  const Json data = data_of(options.page);
  CHECK(data.at("images") == 12);
  CHECK(data.at("source") == "test_images");
  CHECK(data.at("labelled") == true);
  CHECK(data.at("calibrated") == false);
  std::size_t right = 0;
  std::map<std::string, Json> items;
  for (const Json& group : data.at("groups")) {
    CHECK(group.at("images") == group.at("items").size());
    right += group.at("right").get<std::size_t>();
    double before = 2;
    for (const Json& item : group.at("items")) {
      CHECK(items.emplace(item.at("name"), item).second);
      CHECK(item.at("novelty").get<double>() <= before);
      before = item.at("novelty");
      CHECK_FALSE(item.contains("p"));
      CHECK(item.at("image").get<std::string>().starts_with("/9j/"));  // a JPEG
    }
  }
  REQUIRE(items.size() == 12);
  std::size_t counted = 0;
  const CsvTable labels = read_csv(options.labels);
  for (std::size_t i = 0; i < 12; ++i) {
    const Json& item = items.at(csv.rows[i][0]);
    CHECK(item.at("answer") == Json{csv.integer(i, 1), csv.integer(i, 2)});
    CHECK(item.at("confidence")[0].get<double>() == doctest::Approx(csv.number(i, 3)).epsilon(1e-4));
    CHECK(item.at("confidence")[1].get<double>() == doctest::Approx(csv.number(i, 6)).epsilon(1e-4));
    CHECK(item.at("novelty").get<double>() ==
          doctest::Approx(1 - std::min(csv.number(i, 3), csv.number(i, 6))).epsilon(1e-4));
    CHECK(item.at("second") == Json{csv.integer(i, 5), csv.integer(i, 8)});
    for (std::size_t row = 0; row < 12; ++row) {
      if (labels.rows[row][0] != csv.rows[i][0]) continue;
      CHECK(item.at("truth") == Json{labels.integer(row, 1), labels.integer(row, 2)});
      counted += item.at("truth") == item.at("answer");
    }
  }
  CHECK(right == counted);

  SUBCASE("a limit is kept to, and the counts stay those of all images") {
    options.page_limit = 5;
    predict(options);
    const Json limited = data_of(options.page);
    std::size_t shown = 0, images = 0;
    for (const Json& group : limited.at("groups")) {
      shown += group.at("items").size();
      images += group.at("images").get<std::size_t>();
    }
    CHECK(shown == 5);
    CHECK(images == 12);
    const auto code = [&](const std::vector<std::string>& more) {
      std::vector<std::string> arguments{"predict",
                                         "--run",
                                         options.runs.front().string(),
                                         "--images",
                                         options.images.string(),
                                         "--out",
                                         options.out.string()};
      arguments.insert(arguments.end(), more.begin(), more.end());
      return test::run_tern(arguments).code;
    };
    CHECK(code({"--page-limit", "5"}) == 2);  // of no page
    CHECK(code({"--page", options.page.string(), "--page-limit", "0"}) == 2);
  }
  SUBCASE("the nearest known images of the most novel ones") {
    const auto nearest_of = [&] {
      const Json page = data_of(options.page);
      std::map<double, Json> nearest;  // by novelty, most novel last
      std::size_t with = 0;
      for (const Json& group : page.at("groups")) {
        for (const Json& item : group.at("items")) {
          with += item.contains("nearest");
          nearest[item.at("novelty")] = item.value("nearest", Json());
        }
      }
      return std::tuple(page, with, nearest);
    };
    options.page_nearest = 4;
    predict(options);
    const auto [page, with, nearest] = nearest_of();
    CHECK(with == 4);
    auto one = nearest.rbegin();
    for (int i = 0; i < 4; ++i, ++one) {
      REQUIRE(one->second.size() == 3);
      for (const Json& known : one->second) {
        const std::string name = page.at("known")[known[0].get<std::size_t>()].at("name");
        CHECK(fs::exists(trained / "data/train_images" / name));
      }
    }
    CHECK(page.at("notes").empty());
    options.page_nearest = 0;
    predict(options);
    CHECK(std::get<1>(nearest_of()) == 0);

    // Training images that are gone.
    options.page_nearest = 4;
    fs::rename(trained / "data/train_images", trained / "data/elsewhere");
    CHECK(predict(options) == 0);
    fs::rename(trained / "data/elsewhere", trained / "data/train_images");
    const auto [without, left, none] = nearest_of();
    CHECK(left == 0);
    CHECK(without.at("known").empty());
    REQUIRE(without.at("notes").size() == 1);
    CHECK(without.at("notes")[0].get<std::string>().starts_with("The nearest known images are left out: "));
    CHECK(without.at("images") == 12);
  }
  SUBCASE("where to write is checked first, and a failure leaves both files as they were") {
    const std::string table = read_text_file(options.out), page = read_text_file(options.page);
    const auto refuses = [&](const fs::path& path, const char* part) {
      options.page = path;
      CHECK_THROWS_WITH_AS(predict(options), Contains(part), Error);
    };
    refuses(options.out, "wanted another file than --out, got the same");
    refuses(trained / "data/../paged.csv", "wanted another file than --out, got the same");
    refuses(trained / "absent/page.html", "--page");
    refuses(trained / "data/train_data.csv", "got the images");
    refuses(options.labels, "got the labels");
    refuses(options.images / "3.png", "got one of the images");
    refuses(trained.run() / "summary.json", "got one that tern writes there");
    refuses(trained.run(), "wanted a file to write, got a folder");
    test::write_quickly(trained / "photo.jpg", "a photo");
    refuses(trained / "photo.jpg", "wanted a name that ends in .html");
    test::write_quickly(trained / "mine.html", "<p>mine</p>");
    refuses(trained / "mine.html", "or a page of tern's to write over, got another file");
    options.page = trained / "page.html";
    options.page_limit = 7;
    {
      const test::FullDisk full(2000);
      CHECK_THROWS_AS(predict(options), Error);
    }
    options.labels.clear();
    fs::create_directories(trained / "none");
    options.images = trained / "none";
    CHECK_THROWS_WITH_AS(predict(options), Contains("none"), Error);
    CHECK(read_text_file(options.out) == table);
    CHECK(read_text_file(options.page) == page);
  }
}

TEST_CASE("predict: a run with held-out classes needs the flag; a run of one level is refused") {
  {
    const test::TinyRun held_out({"epochs=1", "hold_out=true", "hold_out_fraction=0.2"});
    PredictOptions options = options_for(held_out);
    CHECK_THROWS_WITH_AS(predict(options), Contains("or --allow-held-out, got one that held 1 subclass out"),
                         Error);
    CHECK_FALSE(fs::exists(options.out));
    options.allow_held_out = true;
    options.decision.tau.sub = 0;
    CHECK(predict(options) == 0);
    const std::int32_t untrained = Run::open(held_out.run()).held_out_subclasses().at(0);
    const CsvTable csv = read_csv(options.out);
    for (std::size_t i = 0; i < csv.rows.size(); ++i) CHECK(csv.integer(i, 2) != untrained);
  }
  const test::TinyRun sub_only({"approach=two_models", "levels=sub", "epochs=1"});
  CHECK_THROWS_WITH_AS(predict(options_for(sub_only)), Contains("wanted models of both levels"), Error);
}

TEST_CASE("predict: answers do not depend on how many images are in memory at a time") {
  const test::TinyRun trained({"approach=two_models", "epochs=1", "batch_size=4"});
  const Run run = Run::open(trained.run());
  Predictor predictor({run}, {}, "flip", Device::cpu());
  const auto source = ImageSource::open(trained / "data/test_images");
  const Dataset images = list_images(*source);
  REQUIRE(images.count() == 12);
  const Predictions whole = answer_images(predictor, *source, images, /*with_details=*/true);
  const Predictions parts = answer_images(predictor, *source, images, /*with_details=*/true,
                                          /*part_bytes=*/1);  // three parts, of a batch each
  for (const Level level : kLevels) {
    CHECK(whole.answers[level].most_probable.probabilities.size() == 12);
    CHECK(parts.answers[level].most_probable.probabilities ==
          whole.answers[level].most_probable.probabilities);
    CHECK(parts.answers[level].classes == whole.answers[level].classes);
    CHECK(parts.details[level].confidences == whole.details[level].confidences);
    CHECK(parts.details[level].alone == whole.details[level].alone);
    CHECK(parts.details[level].second_choices == whole.details[level].second_choices);
  }
  const Predictions without = answer_images(predictor, *source, images, /*with_details=*/false);
  CHECK(without.details.sub.confidences.empty());
  CHECK(without.answers.sub.classes == whole.answers.sub.classes);
}
