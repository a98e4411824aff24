#include "data/synthetic.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "apps/train/demo_data.h"
#include "data/cifar100.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/io/file.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"

namespace tern {
namespace {
namespace fs = std::filesystem;

SyntheticOptions small_options(std::uint64_t seed) {
  return {seed, 2, 1, 1, 4, 12};
}

// Every file below a folder, by its relative name.
std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file())
      files[fs::relative(entry.path(), folder).string()] = read_text_file(entry.path());
  }
  return files;
}

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

TEST_CASE("synthetic: the study's layout, read back by its own readers") {
  const test::TemporaryFolder folder;
  const fs::path out = folder / "new/data";
  write_synthetic(out, small_options(3));
  CHECK(entries(folder / "new") == 1);  // nothing beside it

  Dataset train = load_study(out);
  CHECK(train.count() == 36);
  CHECK(train.classes.superclass_names == std::vector<std::string>{"orange", "blue", "violet", "novel"});
  CHECK(train.classes.subclass_count() == 19);
  for (std::int32_t subclass = 0; subclass < 18; ++subclass) {
    CHECK(std::count(train.subclasses.begin(), train.subclasses.end(), subclass) == 2);
  }
  for (std::int32_t superclass = 0; superclass < 3; ++superclass) {
    CHECK(std::count(train.superclasses.begin(), train.superclasses.end(), superclass) == 12);
  }
  CHECK(std::is_sorted(train.subclasses.begin(), train.subclasses.end()) == false);

  Dataset test_set = load_images(out / "test_images");
  test_set.classes = train.classes;
  load_labels(out / "test_labels.csv", test_set);
  CHECK(test_set.count() == 18 + 6 + 4);
  std::map<std::pair<bool, bool>, int> kinds;  // novel superclass, novel subclass
  for (std::size_t i = 0; i < test_set.names.size(); ++i) {
    ++kinds[{test_set.superclasses[i] == 3, test_set.subclasses[i] == 18}];
    if (test_set.subclasses[i] != 18) {
      CHECK(train.classes.subclass_to_super[static_cast<std::size_t>(test_set.subclasses[i])] ==
            test_set.superclasses[i]);
    }
  }
  CHECK(kinds ==
        std::map<std::pair<bool, bool>, int>{{{false, false}, 18}, {{false, true}, 6}, {{true, true}, 4}});

  CifarSelection selection;
  selection.count = 5;
  add_cifar(train, out / "cifar-100-binary", selection);
  CHECK(train.count() == 41);
  CHECK(load_cifar100(out / "cifar-100-binary").count() == 12);
  selection.exclude_groups = {"yellow", "teal", "pink"};
  CHECK_THROWS_WITH_AS(add_cifar(train, out / "cifar-100-binary", selection), doctest::Contains("got 0"),
                       Error);
}

TEST_CASE("synthetic: neither form nor colour alone names a subclass") {
  const test::TemporaryFolder folder;
  write_synthetic(folder / "data", small_options(8));
  const Dataset dataset = load_study(folder / "data");
  std::map<std::string, std::set<std::string>> classes_with;
  for (std::size_t i = 0; i < 18; ++i) {
    const std::string& name = dataset.classes.subclass_names[i];  // "orange ring"
    const std::size_t space = name.find(' ');
    for (const std::string& word : {name.substr(0, space), name.substr(space)})
      classes_with[word].insert(name);
  }
  CHECK(classes_with.size() == 3 + 6);
  for (const auto& [word, names] : classes_with) CHECK(names.size() >= 3);
}

TEST_CASE("synthetic: a seed gives the same bytes, another does not") {
  const test::TemporaryFolder folder;
  write_synthetic(folder / "a", small_options(1));
  write_synthetic(folder / "b", small_options(1));
  write_synthetic(folder / "c", small_options(2));
  const auto a = files_of(folder / "a"), c = files_of(folder / "c");
  CHECK(a.size() == 36 + 28 + 4 + 3);
  CHECK(a == files_of(folder / "b"));
  CHECK(a.at("train_images/0.jpg") != c.at("train_images/0.jpg"));
  CHECK(a.at("subclass_mapping.csv") != c.at("subclass_mapping.csv"));
}

TEST_CASE("synthetic: who is told of each image may end it, and nothing is left") {
  const test::TemporaryFolder folder;
  const SyntheticOptions options = small_options(1);
  std::vector<std::int64_t> told;
  write_synthetic(folder / "data", options, [&](std::int64_t drawn) { told.push_back(drawn); });
  CHECK(told.size() == 36 + 28 + 12);
  CHECK(count_images(options) == 36 + 28 + 12);
  CHECK(told.front() == 1);
  CHECK(told.back() == 36 + 28 + 12);
  const auto end = [](std::int64_t drawn) {
    if (drawn == 40) throw Error("enough", "of it");
  };
  CHECK_THROWS_WITH_AS(write_synthetic(folder / "other", options, end), "enough: of it", Error);
  CHECK(entries(folder.path()) == 1);
}

TEST_CASE("synthetic: Ctrl-C ends the command, and nothing is left") {
  for (const int signal : {SIGINT, SIGTERM}) {
    const test::TemporaryFolder outputs, folder;
    test::Process process(outputs,
                          {"demo-data", "--images-per-subclass", "100000", "--out", folder / "data"});
    while (entries(folder.path()) == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(fs::directory_iterator(folder.path())->path().filename().string().starts_with(".data.partial-"));
    process.signal(signal);
    CHECK(process.wait() == 128 + signal);
    CHECK(entries(folder.path()) == 0);
    CHECK(process.errors().starts_with("tern demo-data: stopped at image "));
    CHECK(process.errors().ends_with("of 1802076: nothing was written to " + (folder / "data").string() +
                                     "\n"));
    CHECK(process.output().empty());
  }
}

TEST_CASE("synthetic: an empty folder is filled, another is refused and stays as it was") {
  const test::TemporaryFolder folder;
  fs::create_directory(folder / "empty");
  write_synthetic(folder / "empty/", small_options(1));
  CHECK(fs::exists(folder / "empty" / "train_data.csv"));
  folder.write("full/notes.txt", "mine");
  CHECK_THROWS_WITH_AS(
      write_synthetic(folder / "full", small_options(1)),
      doctest::Contains("full: wanted an absent or empty folder to write to, got a folder that holds"),
      Error);
  CHECK(files_of(folder / "full") == std::map<std::string, std::string>{{"notes.txt", "mine"}});
  CHECK_THROWS_WITH_AS(write_synthetic(folder / "full/notes.txt", small_options(1)),
                       doctest::Contains("got a file"), Error);
  CHECK_THROWS_WITH_AS(write_synthetic(folder / "full/notes.txt/data", small_options(1)),
                       doctest::Contains("cannot be written"), Error);
  CHECK_THROWS_WITH_AS(demo_data({folder / "full", 1}), doctest::Contains("absent or empty"), Error);
  SyntheticOptions bad = small_options(1);
  bad.other_images = 0;
  CHECK_THROWS_WITH_AS(write_synthetic(folder / "none", bad), doctest::Contains("other_images: wanted 1 to"),
                       Error);
  CHECK(entries(folder.path()) == 2);
}

}  // namespace
}  // namespace tern
