// Seeds of the files that tern itself writes; make_seeds.py makes those of others.
//   fuzz_seeds FOLDER      FOLDER/NAME/*, for the fuzzers scores, events, run_folder, metrics and config
#include <fmt/format.h>

#include "apps/measure/scores_file.h"
#include "apps/train/epoch_metrics.h"
#include "engine/io/event_log.h"
#include "models/novelty_scores.h"
#include "tests/fuzz/run_files.h"

using namespace tern;
namespace fs = std::filesystem;

namespace {

void write_seed(const fs::path& folder, const std::string& name, std::string_view text) {
  fs::create_directories(folder);
  write_file(folder / name, text);
}

/// `rows` of numbers, larger in the column of their label.
std::vector<float> numbers(std::span<const std::int32_t> labels, std::int64_t columns) {
  std::vector<float> values;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    for (std::int64_t column = 0; column < columns; ++column) {
      const auto noise = static_cast<float>((row * 31 + static_cast<std::size_t>(column) * 17) % 23) / 23;
      values.push_back(noise + (column == labels[row] ? 3.0f : 0.0f));
    }
  }
  return values;
}

/// Both levels decided by `name`, fitted to rows that are made up.
NoveltyConfidence fitted(const std::string& name, StudyModels& models) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 24; ++i) labels.push_back(i % 3);
  ByLevel<NoveltyConfidence::LevelScore> levels;
  NoveltyConfidence::Scorers scorers(1);
  for (const Level level : kLevels) {
    const std::int64_t classes = level == Level::super ? 4 : 7;
    const std::vector<float> features = numbers(labels, 4), logits = numbers(labels, classes);
    std::vector<std::uint8_t> known(static_cast<std::size_t>(classes), 0);
    std::fill_n(known.begin(), 3, std::uint8_t{1});
    NoveltyOptions options;
    options.neighbours = 3;
    options.vim.dimension = 2;
    options.vim.origin = std::vector<float>(4, 0.0f);
    const NoveltyTraining training{{features, 4}, {logits, classes}, labels, known, models.head(level)};
    scorers[0][level] = std::make_unique<NoveltyScorer>(training, options, std::vector<std::string>{name});
    levels[level].choice.terms = {{level, name}};
    levels[level].of_terms = {{NoveltyConfidence::Standard{}}};
    levels[level].held_out = {-1, 0, 1};
  }
  return {std::move(levels), std::move(scorers), true};
}

void write_score_seeds(const fs::path& folder) {
  const fuzz::RunFilesWithModel files;
  const std::vector<Run> runs{files.open()};
  EnsembleModels models(runs, parse_views(""), Device::cpu());
  fs::create_directories(folder);
  for (const std::string& name : novelty_score_names()) {
    try {
      write_scores(fitted(name, models.member(0)), runs, models, "");
      fs::copy_file(scores_file(runs.front()), folder / name, fs::copy_options::overwrite_existing);
    } catch (const Error& error) {
      fmt::print(stderr, "no seed of {}: {}\n", name, error.what());
    }
  }
}

void write_event_seeds(const fs::path& folder) {
  fs::create_directories(folder);
  const fuzz::Folder files;
  {
    EventLog log(files.path());
    log.scalar("super/loss", 1, 0.5);
    log.scalar("sub/loss", 2, 0.25);
    log.histogram("super/confidence", 2, std::vector<float>{0.1f, 0.5f, 0.9f});
    log.image("super/mistake", 3, 1, 1, std::vector<std::byte>(8));
    fs::copy_file(log.path(), folder / "all", fs::copy_options::overwrite_existing);
  }
}

void write_metrics_seed(const fs::path& folder) {
  const fuzz::Folder files;
  MetricsFile file(files / "metrics.csv");
  for (const std::int64_t epoch : {1, 2, 3}) {
    EpochMetrics metrics;
    metrics.model = epoch == 3 ? "sub" : "super";
    metrics.epoch = epoch;
    metrics.score = 50;
    file.append(metrics);
  }
  const std::string text = read_text_file(files / "metrics.csv");
  write_seed(folder / "metrics", "two_models", text);
  const std::string summary = fuzz::kRunSummary;
  write_seed(folder / "run_folder", "summary", summary);
  write_seed(folder / "run_folder", "summary_metrics", summary + "----\n" + text);
  for (const char* approach : {"two_heads", "two_models"}) {
    const std::string settings = config_text(make_config({std::string("approach=") + approach}));
    write_seed(folder / "run_folder", approach, summary + "----\n" + text + "----\n" + settings);
    write_seed(folder / "config", approach, settings);
    write_seed(
        folder / "config", std::string(approach) + "_sets",
        settings + "----\nbackbone=resnet50\nepochs = 3\ncifar_exclude_groups=[\"trees\"]\nmixup=0.5\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "fuzz_seeds: wanted a folder, got {} arguments\n", argc - 1);
    return 2;
  }
  const fs::path folder = argv[1];
  write_score_seeds(folder / "scores");
  write_event_seeds(folder / "events");
  write_metrics_seed(folder);
}
