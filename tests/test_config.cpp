// The settings: defaults, reading, --set, errors that name file, line and key, writing, resuming.
#include "apps/run/config.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "engine/core/check.h"
#include "engine/io/file.h"

using namespace tern;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("tern_test_config_" + std::to_string(::getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

Config from_text(const std::string& text, const std::vector<std::string>& sets = {}) {
  const Folder folder;
  write_file(folder.path / "c.toml", text);
  return read_config(folder.path / "c.toml", sets);
}

std::string error_of(const std::string& text, const std::vector<std::string>& sets = {}) {
  try {
    from_text(text, sets);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("config: an empty file gives the defaults, and each default is within its key's range") {
  CHECK(config_text(from_text("")) == config_text(Config{}));
  for (const ConfigKey& key : config_keys()) {
    Config config;
    INFO(key.name);
    CHECK(key.set(config, key.get(Config{})));
    CHECK(config_text(config) == config_text(Config{}));
    CHECK_FALSE(key.help.empty());
  }
}

TEST_CASE("config: a byte order mark is dropped, other encodings are refused") {
  CHECK(from_text("\xEF\xBB\xBF# settings\nepochs = 7\n").epochs == 7);
  CHECK(holds(error_of("\xEF\xBB\xBF"
                       "epochs = 0\n"),
              "c.toml:1 epochs: "));
  CHECK(holds(error_of(std::string("\xFF\xFE"
                                   "e\0",
                                   4)),
              "c.toml: wanted a TOML file in UTF-8, got one in UTF-16"));
  CHECK(holds(error_of("# caf\xE9\nepochs = 7\n"), "c.toml:1: no TOML: "));
}

TEST_CASE("config: values of each type arrive in their member") {
  const Config config = from_text(
      "approach = 'two_models'\nepochs = 3\nlearning_rate = 0.5\nmomentum = 0\nflip = false\n"
      "cifar_exclude_groups = ['fish', \"a\\\"b\"]\ncifar = \"small\"\nbackbone = \"resnet50\"\n"
      "kl_direction = 'head_to_implied'\n");
  CHECK(config.approach == Approach::two_models);
  CHECK(config.epochs == 3);
  CHECK(config.learning_rate == 0.5);
  CHECK(config.momentum == 0);
  CHECK_FALSE(config.flip);
  CHECK(config.cifar_exclude_groups == std::vector<std::string>{"fish", "a\"b"});
  CHECK(config.cifar == CifarMode::small);
  CHECK(config.backbone == "resnet50");
  CHECK(config.kl_direction == HierarchicalKlOptions::Direction::head_to_implied);
}

TEST_CASE("config: what is written reads back as the same settings") {
  const Config config =
      make_config({"approach=two_models", "levels=sub", "learning_rate=3e-5", "kl_epsilon=1e-12",
                   "cifar_indices=a \"b\"\\c", "cifar_exclude_groups=[\"x\", \"y\"]", "seed=7"});
  CHECK(config.cifar_indices == "a \"b\"\\c");
  CHECK(config_text(from_text(config_text(config))) == config_text(config));
}

TEST_CASE("config: --set comes after the file, the last one wins, and bare words are strings") {
  const Config config =
      from_text("epochs = 3\n", {"epochs=4", "epochs = 5", "backbone=resnet50", "flip=false"});
  CHECK(config.epochs == 5);
  CHECK(config.backbone == "resnet50");
  CHECK_FALSE(config.flip);
}

TEST_CASE("config: errors name the file, the line, the key, what is wanted and what came") {
  const std::string unknown = error_of("epochs = 3\n\nlearning_rat = 1\n");
  CHECK(holds(unknown, "c.toml:3 learning_rat: "));
  CHECK(holds(unknown, "learning_rate"));
  CHECK(holds(error_of("", {"sub_haed=cosine"}),
              "--set sub_haed: wanted a known key (the nearest is sub_head)"));

  const std::string range = error_of("epochs = 0\n");
  CHECK(holds(range, "c.toml:1 epochs: wanted a whole number in [1, 100000], got 0"));
  CHECK(holds(error_of("epochs = 1.5\n"), "got 1.5"));
  CHECK(holds(error_of("epochs = '3'\n"), "got the string \"3\""));
  CHECK(holds(error_of("flip = 1\n"), "wanted true or false, got 1"));
  CHECK(holds(error_of("backbone = 'resnet36'\n"), "wanted one of \"resnet18\", \"resnet34\", "));
  CHECK(holds(error_of("backbone = 'resnet36'\n"), "\"narrow_resnet10_4\", got the string \"resnet36\""));
  CHECK(holds(error_of("learning_rate = nan\n"), "learning_rate: wanted a number"));
  CHECK(holds(error_of("learning_rate = -1\n"), "got -1"));
  CHECK(holds(error_of("label_smoothing = 1.0\n"), "[0, 1)"));
  CHECK(holds(error_of("momentum = [1]\n"), "got an array"));
  CHECK(holds(error_of("[epochs]\nx = 1\n"), "got a table"));
  CHECK(holds(error_of("cifar_exclude_groups = ['a', 1]\n"), "wanted an array of strings"));
  CHECK(holds(error_of("epochs = \n"), "c.toml:1: no TOML: "));
  CHECK(holds(error_of("epochs = 1\nepochs = 2\n"), "c.toml:2: no TOML: "));
  CHECK(holds(error_of("", {"epochs"}), "--set: wanted key=value, got epochs"));
  CHECK(holds(error_of("", {"epochs=many"}), "--set epochs: wanted a whole number"));
  CHECK(holds(error_of("", {"epochs=1\nflip=false"}), "--set epochs: wanted a whole number"));
  CHECK(holds(error_of("", {"cifar_indices=caf\xe9.csv"}), "--set cifar_indices: wanted text in UTF-8"));
  CHECK_THROWS_WITH_AS(read_config("/nonexistent/c.toml"), doctest::Contains("/nonexistent/c.toml"), Error);
}

TEST_CASE("config: keys that contradict each other") {
  CHECK(holds(error_of("levels = 'sub'\n"), "levels: wanted \"both\" with approach = \"two_heads\""));
  CHECK(holds(error_of("teacher_weight = 0.2\n"), "teacher_weight: wanted 0 unless"));
  CHECK(error_of("approach = 'two_models'\nteacher_weight = 0.2\n") == "no error");
  CHECK(holds(error_of("random_resized_crop = true\ncrop_scale_min = 0.6\ncrop_scale_max = 0.5\n"),
              "crop_scale_min: wanted at most crop_scale_max, which is 0.5, got 0.6"));
  CHECK(holds(error_of("batch_size = 1\ncutmix = 0.5\n"), "cutmix: wanted 0 with batch_size = 1"));
  CHECK(holds(error_of("batch_size = 1\nmixup = 0.5\n"), "mixup: wanted 0 with batch_size = 1"));
  const std::string exposed = "outlier_exposure = 0.5\n", untrained = "with outlier_exposure, which leaves";
  CHECK(error_of(exposed) == "no error");
  CHECK(holds(error_of(exposed + "kl_novel_subclass = 'map'\n"),
              "kl_novel_subclass: wanted \"leave_out\" with"));
  CHECK(error_of(exposed + "kl_novel_subclass = 'map'\napproach = 'two_models'\n") == "no error");
  CHECK(
      holds(error_of(exposed + "kl_novel_subclass = 'map'\napproach = 'two_models'\nteacher_weight = 0.1\n"),
            untrained));
  CHECK(holds(error_of(exposed + "mask_untrained_logits = false\n"),
              "mask_untrained_logits: wanted true with"));
  CHECK(holds(error_of(exposed + "metric_counts_extra = true\n"), "metric_counts_extra: wanted false with"));
}

TEST_CASE(
    "config: what makes a training generalise is off unless asked for, and has torchvision's other "
    "defaults") {
  const Config config;
  CHECK_FALSE(config.random_resized_crop);
  CHECK(config.crop_scale_min == 0.08);
  CHECK(config.crop_scale_max == 1);
  CHECK(config.rand_augment == 0);
  CHECK(config.rand_augment_magnitude == 9);
  CHECK(config.random_erasing == 0);
  CHECK(config.random_erasing_value == ErasingValue::zero);
  CHECK(config.mixup == 0);
  CHECK(config.cutmix == 0);
  CHECK(config.ema_decay == 0);
  CHECK(config.patience == 0);
  CHECK(config.sampler == Sampler::shuffle);
  CHECK(config.outlier_exposure == 0);
  CHECK(holds(error_of("rand_augment_magnitude = 31\n"), "a whole number in [0, 30]"));
  CHECK(holds(error_of("random_erasing = 1.5\n"), "a number in [0, 1]"));
  CHECK(holds(error_of("ema_decay = 1.0\n"), "a number in [0, 1)"));
  CHECK(holds(error_of("mixup = -0.1\n"), "a number in [0, 100]"));
  CHECK(holds(error_of("sampler = 'random'\n"), "one of \"shuffle\", \"balanced\""));
}

TEST_CASE("config: a resumed run keeps its settings; epochs may grow, thresholds may move") {
  const Config before = make_config({"epochs=3"});
  CHECK_NOTHROW(check_resumable(before, make_config({"epochs=5", "tau_sub=0.5"})));
  CHECK_THROWS_WITH_AS(check_resumable(before, make_config({"epochs=2"})), doctest::Contains("epochs"),
                       Error);
  // A longer training would have begun otherwise: the rates of the cosine, or what teaches the second model.
  const std::vector<std::string> cosine{"epochs=3", "schedule=cosine", "warmup_steps=4"};
  CHECK_NOTHROW(check_resumable(make_config(cosine), make_config({"tau_sub=0.5"}, make_config(cosine))));
  CHECK_THROWS_WITH_AS(
      check_resumable(make_config(cosine), make_config({"epochs=5"}, make_config(cosine))),
      doctest::Contains("--resume epochs: wanted 3 as in the run's config.toml (schedule = \"cosine\" spans"),
      Error);
  const std::vector<std::string> taught{"epochs=3", "approach=two_models", "teacher_weight=0.2"};
  CHECK_THROWS_WITH_AS(check_resumable(make_config(taught), make_config({"epochs=5"}, make_config(taught))),
                       doctest::Contains("(the subclass model's teacher is"), Error);
  const std::vector<std::string> steps{"epochs=3", "schedule=step", "warmup_steps=4"};
  CHECK_NOTHROW(check_resumable(make_config(steps), make_config({"epochs=5"}, make_config(steps))));
  // What the training does not read may differ, and nothing else.
  for (const ConfigKey& key : config_keys()) {
    const bool may = key.name == "epochs" || key.name == "tau_super" || key.name == "tau_sub" ||
                     key.name == "mask_untrained_logits" || key.name == "rank_patience_seconds" ||
                     key.name == "shard_optimizer" || key.name == "bucket_mib";
    CHECK_MESSAGE(key.may_differ_on_resume == may, key.name);
  }
  CHECK_THROWS_WITH_AS(check_resumable(before, make_config({"epochs=3", "batch_size=8"})),
                       doctest::Contains("--resume batch_size: wanted 64 as in the run's config.toml, got 8"),
                       Error);
}

TEST_CASE("config: a key of more parts than any setting has is refused, with its line") {
  std::string dots;
  for (int i = 0; i < 60; ++i) dots += ".a";
  const auto refused = [&](const std::string& text) {
    const std::string error = error_of(text);
    return error.find("c.toml:2") != std::string::npos &&
           error.ends_with("wanted keys of at most 30 parts, got more dots");
  };
  CHECK(refused("epochs = 1\na" + dots + " = 1\n"));
  CHECK(refused("epochs = 1\n[\"#\"" + dots + "]\n"));
  CHECK(refused("x = [\"\"\"\n\"\"\"\"\", {a" + dots + " = 1}]\n"));
  // Dots in texts and comments part nothing.
  const std::string few = dots.substr(0, 100);
  CHECK(from_text("cifar_indices = \"\\\"" + few + "\"  # " + few + "\n").cifar_indices == "\"" + few);
  CHECK(from_text("cifar_indices = '''\n" + few + "\n'''\n").cifar_indices == few + "\n");
}

TEST_CASE("config: the files that come with tern are valid, and each says what it reproduces") {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(TERN_SOURCE_DIR) / "apps/configs")) {
    if (entry.path().filename().string().starts_with("study_")) continue;  // plans: test_study_plan.cpp
    INFO(entry.path().string());
    CHECK_NOTHROW(read_config(entry.path()));
    CHECK(read_text_file(entry.path()).starts_with("# "));
    ++files;
  }
  CHECK(files >= 9);
}

TEST_CASE("config: the help lists every key") {
  for (const ConfigKey& key : config_keys()) CHECK(holds(config_help(), "  " + key.name + " = "));
}
