// The run folder: made only where nothing is lost, opened with clear errors.
#include "apps/run/run_folder.h"

#include <doctest/doctest.h>

#include "data/jpeg.h"
#include "engine/core/check.h"
#include "engine/io/file.h"
#include "tests/support/files.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

TEST_CASE("run: create, then open gives the same settings back") {
  const test::TemporaryFolder folder;
  const Config config = make_config({"approach=two_models", "epochs=7"});
  Run run = Run::create(folder / "a/b", config);
  CHECK(fs::is_directory(folder / "a/b/checkpoints"));
  run.summary["status"] = "training";
  run.save_summary();
  const Run again = Run::open(folder / "a/b");
  CHECK(config_text(again.config) == config_text(config));
  CHECK(again.summary.at("status") == "training");
}

TEST_CASE("run: a new run never lands on something that is there") {
  const test::TemporaryFolder folder;
  Run::create(folder / "run", Config{});
  CHECK_THROWS_WITH_AS(Run::create(folder / "run", Config{}), Contains("or --resume to go on"), Error);
  write_file(folder / "file", "x");
  CHECK_THROWS_WITH_AS(Run::create(folder / "file", Config{}), Contains("wanted a folder, got a file"),
                       Error);
  CHECK_THROWS_WITH_AS(Run::create(folder.path(), Config{}), Contains("wanted an absent or empty folder"),
                       Error);
}

TEST_CASE("run: a lock that a killed training left behind is in nobody's way") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder / "run");
  write_file(folder / "run/lock", "tern 17 host\n");
  Run run = Run::create(folder / "run", Config{});
  CHECK_THROWS_WITH_AS(run.check_not_own("--out", folder / "run/lock"),
                       Contains("one that tern writes there"), Error);
}

TEST_CASE("run: what is no run is said so") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(Run::open(folder / "absent"),
                       Contains("wanted a run folder (made by tern train), got no folder there"), Error);
  CHECK_THROWS_WITH_AS(Run::open(folder.path()), Contains("without config.toml"), Error);
}

TEST_CASE("run: names of checkpoints") {
  const test::TemporaryFolder folder;
  const Run run = Run::create(folder / "run", Config{});
  CHECK(run.last_model(Part::two_heads).filename() == "last.safetensors");
  CHECK(run.best_model(Part::super).filename() == "best_super.safetensors");
  CHECK(run.last_model(Part::sub).filename() == "last_sub.safetensors");
  CHECK(run.training_state(Part::sub).filename() == "state_sub.safetensors");
  CHECK(parts_of(make_config({})) == std::vector{Part::two_heads});
  CHECK(parts_of(make_config({"approach=two_models"})) == std::vector{Part::super, Part::sub});
  CHECK(parts_of(make_config({"approach=two_models", "levels=sub"})) == std::vector{Part::sub});
}

TEST_CASE("run: the summary's values are checked when read") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  CHECK_THROWS_WITH_AS(run.classes(), Contains("run: wanted a run with summary.json (tern train --resume"),
                       Error);
  run.summary = Json::object();
  CHECK_THROWS_WITH_AS(
      run.classes(), Contains("summary.json classes.superclass_names: wanted class names, got none"), Error);
  run.summary["classes"] = {{"superclass_names", {"a", "novel"}},
                            {"subclass_names", {"a0", "novel"}},
                            {"subclass_to_super", {0, 1}},
                            {"superclass_trained", {1, 0}}};
  CHECK(run.classes().subclass_to_super == std::vector<std::int32_t>{0, 1});
  CHECK(run.trained(Level::super) == std::vector<std::uint8_t>{1, 0});
  CHECK_THROWS_AS(run.trained(Level::sub), Error);
  run.summary["classes"]["superclass_trained"] = {1, 0, 1};
  CHECK_THROWS_WITH_AS(
      run.trained(Level::super),
      Contains("classes.superclass_trained: wanted 0 or 1 for each of 2 classes, got 3 numbers"), Error);
  run.summary["classes"]["subclass_to_super"] = {0};
  CHECK_THROWS_WITH_AS(run.classes(), Contains("lists of other lengths"), Error);
  run.summary["classes"]["subclass_to_super"] = {0, 2};
  CHECK_THROWS_WITH_AS(run.classes(), Contains("classes.subclass_to_super: wanted -1 to 1, got 2"), Error);
  run.summary["classes"]["subclass_to_super"] = {-1, 1};
  run.summary["classes"]["superclass_trained"] = {1, 256};
  CHECK_THROWS_WITH_AS(run.trained(Level::super), Contains("of 2 classes, 1 for some, got others"), Error);
  run.summary["classes"]["superclass_trained"] = {0, 0};
  CHECK_THROWS_WITH_AS(run.trained(Level::super), Contains("1 for some, got others"), Error);
  run.summary["classes"]["subclass_names"] = 5;
  CHECK_THROWS_WITH_AS(run.classes(), Contains("wanted class names, got something else"), Error);
  for (const char* other : {"\"none\"", "3", "[1.5]", "[1e300]", "[3000000000]", "[true]"}) {
    CAPTURE(other);
    run.summary["split"] = {{"held_out_subclasses", Json::parse(other)}};
    CHECK_THROWS_WITH_AS(run.held_out_subclasses(), Contains("wanted subclass indices, got something else"),
                         Error);
  }
  run.summary["inputs"] = {{"weights", "w.pth"}, {"weights_key", 3}};
  CHECK_THROWS_WITH_AS(run.weights(), Contains("inputs.weights_key: wanted a text"), Error);
}

TEST_CASE("run: a damaged config.toml or summary.json is named") {
  const test::TemporaryFolder folder;
  const Run run = Run::create(folder / "run", Config{});
  const auto with_summary = [&](const char* text) {
    test::write_quickly(run.folder() / "summary.json", text);
    return test::error_of([&] { Run::open(run.folder()); });
  };
  for (const char* text : {"null", "[]", "5"}) {
    CHECK(with_summary(text).ends_with("summary.json: wanted what tern train writes there, got other JSON"));
  }
  CHECK(with_summary("").find("summary.json: wanted valid JSON") != std::string::npos);
  for (const char* text :
       {"{\"status\": 5}", "{\"threads\": 0}", "{\"threads\": 5000}", "{\"threads\": \"x\"}",
        "{\"versions\": 3}", "{\"device\": {}}", "{\"models\": []}", "{\"models\": {\"super\": 5}}"}) {
    CAPTURE(text);
    CHECK(with_summary(text).ends_with("got something else"));
  }
  CHECK(with_summary("{\"status\": \"complete\", \"threads\": 2, \"models\": {\"super\": {}}}") ==
        "no error");
  const std::string config = read_text_file(run.folder() / "config.toml");
  for (const std::string& text : {std::string(), config.substr(0, 50)}) {
    test::write_quickly(run.folder() / "config.toml", text);
    CHECK(test::error_of([&] {
            Run::open(run.folder());
          }).ends_with("config.toml: wanted all settings of the run, got a file that ends early"));
  }
}

TEST_CASE("run: another JPEG decoder is named where images differ") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  run.summary["versions"]["libjpeg_turbo"] = jpeg_version();
  CHECK(run.decoder_text() == "");
  run.summary["versions"]["libjpeg_turbo"] = "1.0";
  CHECK(run.decoder_text() == "; the run was made with libjpeg-turbo 1.0, and this is libjpeg-turbo " +
                                  jpeg_version() + ": pixels may differ");
  run.summary["versions"].erase("libjpeg_turbo");
  CHECK(run.decoder_text().starts_with("; the run was made with another JPEG decoder, and"));
}

TEST_CASE("run: a run that was not trained to the end says so") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  CHECK(run.unfinished_text().empty());
  run.summary["status"] = "complete";
  CHECK(run.unfinished_text().empty());
  run.summary["status"] = "training";
  CHECK(run.unfinished_text().empty());  // there is no model yet: whoever wants one says so
  test::write_quickly(run.best_model(Part::two_heads), "");
  CHECK(run.unfinished_text().find("was not trained to the end (training)") != std::string::npos);
}

TEST_CASE("run: no output replaces what belongs to the run") {
  const test::TemporaryFolder folder;
  const Run run = Run::create(folder / "run", Config{});
  for (const char* name : {"events.out.tfevents.1.host.2.0", "metrics.csv", "checkpoints/new.safetensors"}) {
    CAPTURE(name);
    test::write_quickly(run.folder() / name, "x");
    CHECK_THROWS_WITH_AS(run.check_not_own("--out", run.folder() / name),
                         Contains("wanted a file that is not the run's own"), Error);
  }
  run.check_not_own("--out", run.folder() / "predictions.csv");
  run.save_config();
  run.save_summary();
  CHECK_THROWS_WITH_AS(check_not_of_a_run("OUT", run.folder() / "checkpoints/best.safetensors"),
                       Contains("wanted a file that is not the run's own"), Error);
  CHECK_THROWS_WITH_AS(check_not_of_a_run("OUT", run.folder() / "scores.safetensors"),
                       Contains("wanted a file that is not the run's own"), Error);
  check_not_of_a_run("OUT", run.folder() / "weights.safetensors");
  check_not_of_a_run("OUT", run.folder().parent_path() / "best.safetensors");
}

TEST_CASE("run: interrupted writes are cleared, other files are not") {
  const test::TemporaryFolder folder;
  const Run run = Run::create(folder / "run", Config{});
  for (const char* name :
       {"metrics.csv.tmp123", "checkpoints/last.safetensors.tmp9", "notes.tmp", "a.tmp12.txt"}) {
    write_file(run.folder() / name, "x");
  }
  run.remove_temporary_files();
  CHECK_FALSE(fs::exists(run.folder() / "metrics.csv.tmp123"));
  CHECK_FALSE(fs::exists(run.folder() / "checkpoints/last.safetensors.tmp9"));
  CHECK(fs::exists(run.folder() / "notes.tmp"));
  CHECK(fs::exists(run.folder() / "a.tmp12.txt"));
  CHECK(fs::exists(run.folder() / "config.toml"));
}
