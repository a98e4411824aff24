// What commands print as JSON: one document, the same as in the file of it, and nothing else on standard output.
#include "apps/common/console.h"

#include <doctest/doctest.h>

#include "apps/common/shell_word.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "tests/support/process.h"
#include "tests/support/tiny_run.h"

using namespace tern;
namespace fs = std::filesystem;

namespace {

Json document_of(const std::vector<std::string>& arguments) {
  const test::Result result = test::run_tern(arguments);
  INFO(result.errors);
  REQUIRE(result.code == 0);
  return Json::parse(result.output);  // throws for anything before or after
}

/// What a command prints is what it wrote to `file`, to the byte; `remarks`, if given: what it prints to standard error.
void check_document(const fs::path& file, const std::vector<std::string>& arguments,
                    std::string* remarks = nullptr) {
  const test::Result result = test::run_tern(arguments);
  INFO(result.errors);
  REQUIRE(result.code == 0);
  if (remarks != nullptr) *remarks = result.errors;
  CHECK(result.output == read_text_file(file));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("console: --json prints the document that a command writes; remarks go to standard error") {
  const test::TemporaryFolder folder;
  const std::string data = (folder / "data").string(), run = (folder / "run").string(),
                    out = (folder / "out.csv").string(), page = (folder / "page.html").string();
  test::write_tiny_study(folder / "data");
  test::write_tiny_cifar(folder / "data/cifar-100-binary");
  test::tiny_training(folder.path(), {"epochs=1", "cifar=small", "cifar_count=8"});
  std::string remarks;

  std::vector<std::string> training{
      "train", "--config", (folder / "config.toml").string(), "--data", data, "--out", run, "--json"};
  check_document(folder / "run/summary.json", training, &remarks);
  CHECK(holds(remarks, "two_heads epoch 1/1  loss "));
  CHECK(holds(remarks, "next: tern evaluate --run "));
  training.push_back("--resume");
  check_document(folder / "run/summary.json", training, &remarks);
  CHECK(remarks == run + " is complete: all 1 epochs are done\n");

  std::vector<std::string> evaluation{"evaluate",    "--json", "--quiet",   "--run", run,
                                      "--tau-super", "0",      "--tau-sub", "0"};
  check_document(folder / "run/evaluation.json", evaluation, &remarks);
  CHECK(remarks.empty());
  evaluation.back() = "1";
  check_document(folder / "run/evaluation.json", evaluation, &remarks);
  CHECK(remarks ==
        "note: tau 1 calls 100 % of the known validation images novel at the sub level; tern calibrate "
        "proposes others\n");
  check_document(folder / "run/calibration.json", {"calibrate", "--json", "--run", run});

  const std::vector<std::string> prediction{"predict",
                                            "--run",
                                            run,
                                            "--images",
                                            data + "/test_images",
                                            "--labels",
                                            data + "/test_labels.csv",
                                            "--out",
                                            out,
                                            "--replace"};
  const test::Result as_text = test::run_tern(prediction);
  std::vector<std::string> arguments = prediction;
  arguments.insert(arguments.end(), {"--page", page, "--page-limit", "3", "--json"});
  const Json counts = document_of(arguments);
  CHECK(counts.at("images") == 12);
  CHECK(counts.at("predictions") == out);
  CHECK(counts.at("page") == Json{{"file", page}, {"pictures", 3}});
  const auto images = [&](const char* kind) { return counts.at(kind).get<int>(); };
  CHECK(images("known_images") + images("novel_subclass_images") + images("novel_superclass_images") == 12);
  CHECK(as_text.output.starts_with(fmt::format(
      "12 images: {} of a known class, {} of a novel subclass of a known superclass, {} of a novel "
      "superclass; written to {}\n",
      images("known_images"), images("novel_subclass_images"), images("novel_superclass_images"), out)));
  CHECK(holds(as_text.output, fmt::format("both       accuracy: overall {:6.2f} %\n",
                                          100.0 * images("right_at_both_levels_images") / 12)));
  CHECK(holds(as_text.output,
              fmt::format("superclass accuracy: overall {:6.2f} %",
                          counts.at("accuracy").at("super").at("accuracy_overall_percent").get<double>())));

  test::write_quickly(folder / "plan.toml",
                      "title = \"Tiny\"\nfolds = 2\nseeds = [3]\n"
                      "[[row]]\nname = \"a\"\nconfig = \"config.toml\"\n"
                      "[[row]]\nname = \"b\"\nconfig = \"config.toml\"\n");
  const Json list = document_of({"study", "--plan", (folder / "plan.toml").string(), "--data", data, "--out",
                                 (folder / "study").string(), "--dry-run", "--json"});
  CHECK(list.at("trainings") == 3);
  REQUIRE(list.at("list").size() == 6);
  CHECK(list.at("list")[0] == Json{{"row", "a, seed 3"},
                                   {"run", "fold 1 of 2"},
                                   {"folder", (folder / "study/a/seed-3/fold-1").string()},
                                   {"shared", false},
                                   {"done", false}});
  CHECK(list.at("list")[3].at("shared") == true);
}

TEST_CASE("console: a training on folders of one level speaks of classes, and of its novel images as such") {
  const test::TemporaryFolder folder;
  test::write_tiny_study(folder / "study");
  const auto train_on = [&](const std::string& data) {
    const test::Result result = test::run_tern(
        {"train", "--config", (folder / "config.toml").string(), "--data", (folder / data).string(), "--out",
         (folder / data).string() + "-run", "--threads", "1", "--device", "cpu"});
    INFO(result.errors);
    CHECK(result.code == 0);
    return result.output;
  };
  test::tiny_training(folder.path(), {"epochs=1", "cifar=none"});
  const CsvTable table = read_csv(folder / "study/train_data.csv");
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string name = table.rows[row][table.column("image")],
                      of = "class " + table.rows[row][table.column("subclass_index")];
    std::filesystem::create_directories(folder / "flat" / of);
    std::filesystem::copy(folder / "study/train_images" / name, folder / "flat" / of / name);
  }
  const std::string without = train_on("flat");
  CHECK(holds(without, " to train, "));
  CHECK(holds(without, "  val class "));
  for (const char* word : {"val sub", "val super", "val any-class", "CIFAR", "novel"})
    CHECK(!holds(without, word));

  std::filesystem::rename(folder / "flat", folder / "novel");
  std::filesystem::create_directories(folder / "novel/novel");
  for (int i = 0; i < 20; ++i)
    std::filesystem::copy(folder / "study/train_images/0.png",
                          folder / "novel/novel" / (std::to_string(i) + ".png"));
  const std::string with = train_on("novel");
  CHECK(holds(with, " to train (15 of them novel), "));
  CHECK(holds(with, "  val any-class "));
  CHECK(!holds(with, "CIFAR"));
}

TEST_CASE("console: a path in a command to paste is one word of a shell") {
  CHECK(shell_word("runs/first-2.1") == "runs/first-2.1");
  CHECK(shell_word("") == "''");
  for (const char* path : {"my run", "it's", "a$b`c`", "~x", "*"}) {
    const test::TemporaryFolder folder;
    const std::string command =
        "cd " + folder.path().string() + " && printf %s " + shell_word(path) + " >out";
    CHECK(std::system(command.c_str()) == 0);
    CHECK(read_text_file(folder / "out") == path);
  }
}

TEST_CASE("console: with --json a failure is a line on standard error and no document") {
  const test::TemporaryFolder folder;
  for (const char* command : {"evaluate", "calibrate"}) {
    const test::Result result = test::run_tern({command, "--run", folder.path().string(), "--json"});
    CHECK(result.code == 1);
    CHECK(result.output.empty());
    CHECK(result.errors.starts_with(std::string("tern ") + command + ": "));
  }
  const test::Result report = test::run_tern({"report", "run", "--out", "page.html", "--json"});
  CHECK(report.code == 2);
  CHECK(holds(report.errors, "tern report: wanted a known option, got --json"));
}
