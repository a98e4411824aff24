// Which trainings a plan asks for, where they lie, and which are shared.
#include "apps/study/runs.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "tests/support/files.h"

using namespace tern;

namespace {

struct Fixture {
  test::TemporaryFolder folder;
  StudyPlan plan;
  StudyInputs inputs;

  Fixture() {
    test::write_quickly(folder / "b.toml", "approach = \"two_models\"\n");
    test::write_quickly(folder / "plan.toml",
                        "seeds = [5, 6]\nfolds = 2\n"
                        "[[row]]\nname = \"b\"\nconfig = \"b.toml\"\nleave_superclasses_out = true\n"
                        "[[row]]\nname = \"fixed\"\nconfig = \"b.toml\"\nconsistent = true\nseeds = [5]\n"
                        "[[row]]\nname = \"kept\"\nconfig = \"b.toml\"\nsettings = { hold_out = true }\n"
                        "retrain = false\nseeds = [5]\n");
    plan = read_plan(folder / "plan.toml");
    inputs.out = "out";
    inputs.superclasses = {"bird", "big dog"};
    inputs.cifar_groups = {"fish", "people", "trees"};
    inputs.weights = {{"", WeightSource("resnet18.pth")}};
  }
};

Config settings_of(const StudyRun& run) {
  return read_config(run.members.front().config, run.members.front().sets);
}

}  // namespace

TEST_CASE("study_runs: folds hold subclasses and CIFAR groups out, the last run holds nothing out") {
  const Fixture fixture;
  const std::vector<RowRuns> rows = plan_runs(fixture.plan, fixture.inputs);
  REQUIRE(rows.size() == 4);
  const RowRuns& b = rows[0];
  CHECK(b.title() == "b, seed 5");
  CHECK(b.all().size() == 5);
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < 2; ++i) {
    const Config fold = settings_of(b.folds[i]);
    CHECK(fold.hold_out);
    CHECK(fold.hold_out_folds == 2);
    CHECK(fold.hold_out_fold == static_cast<std::int64_t>(i) + 1);
    CHECK(fold.seed == 5);
    CHECK(fold.split_seed == 5);
    CHECK(b.folds[i].members[0].weights.file == "resnet18.pth");
    groups.insert(groups.end(), fold.cifar_hold_out_groups.begin(), fold.cifar_hold_out_groups.end());
  }
  std::sort(groups.begin(), groups.end());
  CHECK(groups == fixture.inputs.cifar_groups);  // each once
  const Config last = settings_of(b.last);
  CHECK_FALSE(last.hold_out);
  CHECK(last.split_seed == -1);
  REQUIRE(b.without.size() == 2);
  CHECK(b.without[1].first == "big dog");
  CHECK(b.without[1].second.folder() == "out/b/seed-5/without-big_dog");
  CHECK(settings_of(b.without[1].second).hold_out_superclass == "big dog");
}

TEST_CASE("study_runs: rows with the same settings share trainings; seeds and settings part them") {
  const Fixture fixture;
  const std::vector<RowRuns> rows = plan_runs(fixture.plan, fixture.inputs);
  const RowRuns &b = rows[0], &fixed = rows[1], &kept = rows[2], &second = rows[3];
  CHECK(second.title() == "b, seed 6");
  CHECK(fixed.folds[0].folder() == b.folds[0].folder());
  CHECK(fixed.last.folder() == b.last.folder());
  CHECK(fixed.folder == "out/fixed/seed-5");  // its results are its own
  CHECK(kept.folds[1].folder() == b.folds[1].folder());
  CHECK(kept.last.folder() == "out/kept/seed-5/last");
  CHECK(settings_of(kept.last).hold_out);
  CHECK(second.folds[0].folder() != b.folds[0].folder());
  std::set<std::filesystem::path> folders;
  for (const RowRuns& row : rows) {
    for (const StudyRun* run : row.all()) folders.insert(run->folder());
  }
  CHECK(folders.size() == 5 + 0 + 1 + 5);
}

TEST_CASE("study_runs: excluded groups are not held out; named weights must be given") {
  Fixture fixture;
  fixture.plan.rows[0].sets.push_back("cifar_exclude_groups=[\"fish\"]");
  const RowRuns b = plan_runs(fixture.plan, fixture.inputs)[0];
  CHECK(settings_of(b.folds[0]).cifar_hold_out_groups == std::vector<std::string>{"people"});
  fixture.plan.rows[0].weights = "v2";
  CHECK_THROWS_WITH(plan_runs(fixture.plan, fixture.inputs),
                    doctest::Contains("row b weights: wanted --weights v2=FILE, got none"));
  fixture.inputs.weights["v2"] = WeightSource("other.pth");
  CHECK(plan_runs(fixture.plan, fixture.inputs)[0].last.members[0].weights.file == "other.pth");
}

TEST_CASE("study_runs: a row with members has their trainings and none of its own") {
  test::TemporaryFolder folder;
  test::write_quickly(folder / "b.toml", "approach = \"two_models\"\n");
  test::write_quickly(folder / "plan.toml",
                      "seeds = [5, 6]\nfolds = 2\nleave_superclasses_out = true\n"
                      "[[row]]\nname = \"a\"\nconfig = \"b.toml\"\n"
                      "[[row]]\nname = \"b\"\nconfig = \"b.toml\"\nsettings = { epochs = 2 }\n"
                      "[[row]]\nname = \"both\"\nmembers = [\"a\", \"b\"]\nviews = \"flip\"\n");
  const StudyPlan plan = read_plan(folder / "plan.toml");
  const std::vector<RowRuns> rows = plan_runs(plan, {"out", {"bird", "dog"}, {}, {}});
  REQUIRE(rows.size() == 6);
  const RowRuns &a = rows[0], &both = rows[2], &later = rows[5];
  CHECK(both.row->views == "flip");
  CHECK(both.folder == "out/both/seed-5");
  REQUIRE(both.folds.size() == 2);
  CHECK(both.folds[1].title == "fold 2 of 2");
  using Folders = std::vector<std::filesystem::path>;
  CHECK(both.folds[1].folders() == Folders{"out/a/seed-5/fold-2", "out/b/seed-5/fold-2"});
  CHECK(both.folds[1].folder() == a.folds[1].folder());
  CHECK(both.last.folders() == Folders{"out/a/seed-5/last", "out/b/seed-5/last"});
  CHECK(both.without[1].first == "dog");
  CHECK(both.without[1].second.folders() == Folders{"out/a/seed-5/without-dog", "out/b/seed-5/without-dog"});
  CHECK(later.last.folders() == Folders{"out/a/seed-6/last", "out/b/seed-6/last"});
}
