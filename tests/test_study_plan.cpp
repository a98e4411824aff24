// Plan files: what they hold, and which line is named where they are wrong.
#include "apps/study/plan.h"

#include <doctest/doctest.h>

#include "tests/support/files.h"

using namespace tern;

namespace {

struct Fixture {
  test::TemporaryFolder folder;
  Fixture() { test::write_quickly(folder / "row.toml", "backbone = \"resnet50\"\ntau_sub = 0.7\n"); }
  StudyPlan read(const std::string& text) const {
    test::write_quickly(folder / "plan.toml", text);
    return read_plan(folder / "plan.toml");
  }
  std::string error(const std::string& text) const {
    return test::error_of([&] { read(text); });
  }
};

const std::string kRow = "[[row]]\nname = \"a\"\nconfig = \"row.toml\"\n";

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("study_plan: a row takes the plan's keys and settings, its own on top") {
  const Fixture fixture;
  const StudyPlan plan = fixture.read(
      "title = \"T\"\nseeds = [1, 2]\nfolds = 3\nleave_superclasses_out = true\n"
      "[test_mix_percent]\nseen = 20\nnovel_subclass = 50.5\nnovel_superclass = 29.5\n"
      "[settings]\nepochs = 2\nlearning_rate = 1e-3\ncifar_exclude_groups = [\"fish\", \"trees\"]\n" +
      kRow + "title = \"A row\"\nsettings = { epochs = 4, backbone = \"resnet18\" }\n" +
      "threshold = \"seen_target\"\npublished = { super_overall = 83, sub_unseen = 67.5 }\n" +
      "[[row]]\nname = \"b-2\"\nconfig = \"row.toml\"\nseeds = [7]\nfolds = 0\n"
      "leave_superclasses_out = false\nnovelty_scores = false\ncompare_with = \"a\"\nconsistent = true\n");
  CHECK(plan.title == "T");
  CHECK(plan.mix.novel_superclass == 29.5);
  REQUIRE(plan.rows.size() == 2);
  const StudyRow& a = plan.rows[0];
  CHECK(a.title == "A row");
  CHECK(a.seeds == std::vector<std::int64_t>{1, 2});
  CHECK(a.folds == 3);
  CHECK(a.leave_superclasses_out);
  CHECK(a.novelty_scores);
  CHECK(a.retrain);
  CHECK(a.thresholds == std::vector<std::string>{"seen_target"});
  CHECK(a.published_super.overall == 83.0);
  CHECK_FALSE(a.published_super.seen);
  CHECK(a.published_sub.unseen == 67.5);
  const Config config = a.resolved();
  CHECK(config.epochs == 4);
  CHECK(config.backbone == "resnet18");
  CHECK(config.learning_rate == 1e-3);
  CHECK(config.tau_sub == 0.7);
  CHECK(config.cifar_exclude_groups == std::vector<std::string>{"fish", "trees"});
  const StudyRow& b = plan.rows[1];
  CHECK(b.title == "b-2");
  CHECK(b.seeds == std::vector<std::int64_t>{7});
  CHECK(b.folds == 0);
  CHECK(b.compare_with == "a");
  CHECK(b.consistent);
  CHECK(b.resolved().epochs == 2);
}

TEST_CASE("study_plan: the plans that come with tern") {
  for (const char* name : {"study_quick.toml", "study_full.toml"}) {
    CAPTURE(name);
    const StudyPlan plan = read_plan(std::filesystem::path(TERN_SOURCE_DIR) / "apps/configs" / name);
    CHECK(plan.rows.size() >= 10);
    CHECK(plan.mix.seen + plan.mix.novel_subclass + plan.mix.novel_superclass == doctest::Approx(100));
  }
}

TEST_CASE("study_plan: the plan of the best row, whose members are its other rows") {
  const StudyPlan plan = read_plan(std::filesystem::path(TERN_SOURCE_DIR) / "apps/configs/study_best.toml");
  REQUIRE(plan.rows.size() == 5);
  for (const std::size_t answer : {3, 4}) {
    REQUIRE(plan.rows[answer].members.size() == 3);
    for (std::size_t member = 0; member < 3; ++member)
      CHECK(plan.rows[answer].members[member] == plan.rows[member].name);
  }
  CHECK(plan.rows[0].resolved().fine_tune == FineTune::full);
  CHECK(plan.rows[1].resolved().fine_tune == FineTune::frozen);
  CHECK(plan.rows[0].resolved().image_size == plan.rows[1].resolved().image_size);
  CHECK(plan.rows[2].resolved().backbone == "resnet50");
  CHECK(plan.rows[2].weights == "resnet50");
}

TEST_CASE("study_plan: a byte order mark is dropped") {
  CHECK(Fixture().read("\xEF\xBB\xBFtitle = \"marked\"\n" + kRow).title == "marked");
}

TEST_CASE("study_plan: faults name their line") {
  const Fixture fixture;
  holds(fixture.error("title = \n"), "plan.toml:1: ");
  holds(fixture.error("title = 3\n" + kRow), "plan.toml:1 title: wanted a text, got 3");
  holds(fixture.error("sedes = [1]\n" + kRow),
        "plan.toml:1 sedes: wanted a known key (the nearest is seeds)");
  holds(fixture.error("seeds = [1, 1]\n" + kRow), "seeds: wanted an array of whole numbers");
  holds(fixture.error("seeds = []\n" + kRow), "seeds: wanted an array of whole numbers");
  holds(fixture.error("seeds = 3\n" + kRow), "seeds: wanted an array of whole numbers");
  holds(fixture.error("folds = -1\n" + kRow), "folds: wanted a whole number in [0, 100], got -1");
  holds(fixture.error(kRow + "folds = 1\n"), "folds: wanted 0, or 2 and more, got 1");
  holds(fixture.error("title = \"no rows\"\n"), "plan.toml: wanted at least one [[row]], got none");
  holds(fixture.error("row = [1]\n"), "row: wanted tables, each as [[row]]");
  holds(fixture.error("[[row]]\nconfig = \"row.toml\"\n"), "name: wanted 1 to 64 letters");
  holds(fixture.error("[[row]]\nname = \"../a\"\nconfig = \"row.toml\"\n"),
        "plan.toml:2 name: wanted 1 to 64");
  holds(fixture.error("[[row]]\nname = \"a\"\n"), "config: wanted a file with settings");
  holds(fixture.error("[[row]]\nname = \"a\"\nconfig = \"no.toml\"\n"), "row a: ");
  holds(fixture.error(kRow + kRow), "row a: wanted a name of its own");
  holds(fixture.error(kRow + "compare_with = \"b\"\n"), "row a compare_with: wanted the name of a row");
  holds(fixture.error(kRow + "threshold = \"best\"\n"), "threshold: wanted one of p10_seen, p5_seen");
  holds(fixture.error(kRow + "threshold = \"p5_seen\"\n"), "threshold: wanted folds of 2 or more");
  holds(fixture.error(kRow + "threshold = [\"sub=best\"]\n"), "threshold: wanted one of p10_seen, p5_seen");
  holds(fixture.error(kRow + "threshold = [\"top=p5_seen\"]\n"),
        "wanted super or sub for a level, got \"top\"");
  holds(fixture.error(kRow + "settings = { epochs = 0 }\n"), "row a: epochs: wanted a whole number");
  holds(fixture.error(kRow + "settings = { hold_out_folds = 3 }\n"), "which the study sets, got some");
  holds(fixture.error(kRow + "settings = { approach = \"two_models\", levels = \"sub\" }\n"),
        "levels: wanted");
  holds(fixture.error(kRow + "retrain = false\n"), "row a retrain: wanted hold_out = true");
  holds(fixture.error(kRow + "novel_superclasses = \"left_out\"\n"), "wanted leave_superclasses_out = true");
  holds(fixture.error(kRow + "novel_superclasses = \"fish\"\n"),
        "novel_superclasses: wanted \"held_out_groups\"");
  const std::string second = "[[row]]\nname = \"b\"\nmembers = ";
  holds(fixture.error(kRow + second + "[\"c\"]\n"),
        "plan.toml:6 members: wanted names of rows before this one");
  holds(fixture.error(kRow + second + "[\"b\"]\n"), "members: wanted names of rows before this one");
  holds(fixture.error(kRow + second + "[\"a\", \"a\"]\n"), "members: wanted each row once, got \"a\" twice");
  holds(fixture.error(kRow + second + "3\n"), "members: wanted an array of names of rows, got 3");
  holds(fixture.error(kRow + second + "[\"a\"]\nfolds = 2\n"), "folds: wanted none beside members");
  holds(fixture.error(kRow + "[[row]]\nname = \"c\"\nconfig = \"row.toml\"\nfolds = 2\n" + second +
                      "[\"a\", \"c\"]\n"),
        "leave_superclasses_out as \"a\", got \"c\" with others");
  holds(fixture.error(kRow + "views = \"crop\"\n"), "views: ");
  holds(fixture.error(kRow + "published = { super = 3 }\n"), "super: wanted a known key");
  holds(fixture.error("[test_mix_percent]\nseen = 20\n" + kRow), "wanted shares that sum to 100, got 20");
}
