// The images of a run: which folders, which are trained, and a fingerprint that notices changes.
#include "apps/run/study_data.h"

#include <doctest/doctest.h>

#include <numeric>

#include "data/cifar100.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "tests/support/tiny_study.h"

using namespace tern;
using doctest::Contains;

namespace {

using test::tiny_config;

}  // namespace

TEST_CASE("study data: everything is read and split") {
  const test::TemporaryFolder folder;
  test::write_tiny_study(folder.path());
  const StudyData data = load_study_data(tiny_config(), {folder.path(), {}});
  CHECK(data.dataset.count() == 48);
  CHECK(data.split.train.size() == 36);
  CHECK(data.split.validation.size() == 12);
  CHECK(data.trained(Level::super) == std::vector<std::uint8_t>{1, 1, 1, 0});
  CHECK(data.trained(Level::sub).back() == 0);  // novel: no CIFAR images
  CHECK(data.count_extra(data.split.train) == 0);
}

TEST_CASE("study data: CIFAR images train the novel class; held-out subclasses are untrained") {
  const test::TemporaryFolder folder;
  test::write_tiny_study(folder.path());
  test::write_tiny_cifar(folder / "cifar-100-binary");
  const Config config =
      tiny_config({"cifar=small", "cifar_count=8", "hold_out=true", "hold_out_fraction=0.2"});
  const StudyData data = load_study_data(config, resolve_folders(config, {folder.path(), {}}));
  CHECK(data.dataset.count() == 56);
  CHECK(data.count_extra(data.split.train) == 6);
  CHECK(data.trained(Level::super).back() == 1);
  CHECK(data.trained(Level::sub).back() == 1);
  REQUIRE(data.split.held_out.size() == 1);
  const std::vector<std::uint8_t> trained = data.trained(Level::sub);
  CHECK(trained[static_cast<std::size_t>(data.split.held_out[0])] == 0);
  CHECK(std::accumulate(trained.begin(), trained.end(), 0) == 6);
}

TEST_CASE("study data: a superclass and CIFAR groups that are never trained on") {
  const test::TemporaryFolder folder;
  test::write_tiny_study(folder.path());
  test::write_tiny_cifar(folder / "cifar-100-binary");
  const auto load = [&](const std::vector<std::string>& sets) {
    const Config config = tiny_config(sets);
    return load_study_data(config, resolve_folders(config, {folder.path(), {}}));
  };
  const std::string name = load({}).dataset.classes.superclass_names[1];
  const StudyData without = load({"hold_out_superclass=" + name});
  CHECK(without.split.pseudo_novel_super.size() == 16);
  CHECK(without.trained(Level::super) == std::vector<std::uint8_t>{1, 0, 1, 0});
  CHECK(without.split_csv().find(",pseudo_novel_super,1,") != std::string::npos);
  CHECK_THROWS_WITH_AS(load({"hold_out_superclass=cat"}), Contains("hold_out_superclass: wanted one of "),
                       Error);
  CHECK_THROWS_AS(load({"hold_out_superclass=novel"}), Error);
  std::string only;
  for (const CsvTable table = read_csv(folder / "train_data.csv"); const auto& fields : table.rows) {
    if (fields[1] == "1") only += csv_line(fields);
  }
  const std::string all = read_text_file(folder / "train_data.csv");
  test::write_quickly(folder / "train_data.csv",
                      "image,superclass_index,subclass_index,description\n" + only);
  CHECK(test::error_of([&] { load({"hold_out_superclass=" + name}); }) ==
        "hold_out_superclass: wanted another superclass with images, to train on, got none beside " + name);
  test::write_quickly(folder / "train_data.csv", all);

  const std::vector<std::string> groups = novel_cifar_groups(load_cifar100(folder / "cifar-100-binary"));
  const StudyData data = load({"cifar=small", "cifar_count=4", "cifar_hold_out_count=3",
                               "cifar_hold_out_groups=[\"" + groups[0] + "\"]"});
  CHECK(data.split.pseudo_novel_super == std::vector<std::int64_t>{52, 53, 54});
  CHECK(data.count_extra(data.split.train) + data.count_extra(data.split.validation) == 4);
  const StudyData tested = load({"cifar_hold_out_count=3", "cifar_hold_out_groups=[\"" + groups[0] + "\"]"});
  CHECK(tested.split.pseudo_novel_super.size() == 3);  // also where none is trained on
  CHECK(tested.count_extra(tested.split.train) == 0);
}

TEST_CASE("study data: the fingerprint notices a pixel, a label and another split, and nothing else") {
  const test::TemporaryFolder folder;
  test::write_tiny_study(folder.path());
  const DataFolders folders{folder.path(), {}};
  const std::string before = load_study_data(tiny_config(), folders).fingerprint;
  CHECK(load_study_data(tiny_config({"epochs=9"}), folders).fingerprint == before);
  CHECK(load_study_data(tiny_config({"split_seed=5"}), folders).fingerprint != before);
  test::write_image(folder / "train_images/0.png", 0, 77);
  const std::string repainted = load_study_data(tiny_config(), folders).fingerprint;
  CHECK(repainted != before);
  std::string csv = read_text_file(folder / "train_data.csv");
  csv.replace(csv.find("47.png,2,5"), 10, "47.png,2,4");
  test::write_quickly(folder / "train_data.csv", csv);
  CHECK(load_study_data(tiny_config(), folders).fingerprint != repainted);
}

TEST_CASE("study data: folders") {
  const test::TemporaryFolder folder;
  const Config with_cifar = tiny_config({"cifar=large"});
  CHECK_THROWS_WITH_AS(resolve_folders(with_cifar, {folder.path(), {}}), Contains("--cifar "), Error);
  std::filesystem::create_directories(folder / "cifar-100-binary");
  CHECK(resolve_folders(with_cifar, {folder.path(), {}}).cifar == folder / "cifar-100-binary");
  CHECK(resolve_folders(tiny_config(), {folder.path(), "/elsewhere"}).cifar.empty());
  CHECK(resolve_folders(tiny_config(), {".", {}}).data.is_absolute());
  CHECK_THROWS_WITH_AS(
      resolve_folders(with_cifar, {folder / "none", {}}),
      Contains(
          "none: wanted a folder of images in folders of classes, or with train_data.csv, got no folder"),
      Error);
  CHECK_THROWS_WITH_AS(load_study_data(tiny_config(), {folder.path(), {}}),
                       Contains("wanted train_data.csv, or images in folders"), Error);
}
