#include "apps/study/row.h"

#include <fmt/format.h>

#include <memory>
#include <set>
#include <vector>

#include "apps/study/measure_row.h"
#include "apps/train/train.h"
#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/folder_lock.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

/// The lock of a training's folder; null where another process has it.
std::unique_ptr<FolderLock> claim(const Training& training) {
  make_folder("--out", training.folder);
  return FolderLock::try_lock(training.folder, "--out " + training.folder.string());
}

/// False where others train what is missing.
bool train_missing(const StudyRun& run, const RowOptions& options) {
  bool all = true;
  for (const Training& member : run.members) {
    if (is_trained(member)) continue;
    TrainOptions training;
    training.lock = claim(member);
    if (!training.lock) {
      all = false;
      continue;
    }
    if (is_trained(member)) continue;  // by another meanwhile
    if (options.before_training) options.before_training(run, member);
    training.config = member.config;
    training.sets = member.sets;
    training.folders = options.folders;
    training.out = member.folder;
    training.weights = member.weights;
    training.runtime = options.runtime;
    training.resume = true;
    training.alone = true;
    train(training);
  }
  return all;
}

/// The locks of all of a row's trainings, whose folders measuring writes to; none where others have one of them.
std::vector<std::unique_ptr<FolderLock>> claim_all(const RowRuns& runs) {
  std::vector<std::unique_ptr<FolderLock>> locks;
  std::set<fs::path> claimed;  // rows of members may name one twice
  for (const StudyRun* run : runs.all()) {
    for (const Training& member : run->members) {
      if (!claimed.insert(member.folder).second) continue;
      locks.push_back(claim(member));
      if (!locks.back()) return {};
    }
  }
  return locks;
}

/// Throws Error if the run was begun from other weights than the plan's now.
void check_weights(const Run& trained, const Training& run) {
  if (!trained.summary.contains("inputs")) return;  // it has not begun
  const WeightSource before = trained.weights();
  const fs::path now = run.weights.empty() ? fs::path() : fs::absolute(run.weights.file).lexically_normal();
  if (now == before.file && run.weights.key == before.key) return;
  const auto text = [](const fs::path& file, const std::string& key) {
    if (file.empty()) return std::string("none");
    return file.string() + (key.empty() ? "" : " (key " + key + ")");
  };
  throw Error(run.folder.string() + " --weights", text(before.file, before.key) + " as before",
              text(now, run.weights.key));
}

}  // namespace

bool is_trained(const Training& training) {
  if (!fs::exists(training.folder / "summary.json")) return false;
  const Run trained = Run::open(training.folder);
  const Config config = read_config(training.config, training.sets);
  try {
    check_resumable(trained.config, config);
  } catch (const Error& error) {
    const std::string text = error.what(), prefix = "--resume ";
    throw Error(training.folder.string(), "was trained with other settings than the plan's now: " +
                                              text.substr(text.starts_with(prefix) ? prefix.size() : 0));
  }
  check_weights(trained, training);
  return trained.summary.value("status", "") == "complete" && trained.config.epochs == config.epochs;
}

std::optional<Json> complete_row(const RowRuns& runs, const RowOptions& options) {
  bool all = true;
  for (const StudyRun* run : runs.all()) {
    try {
      all &= train_missing(*run, options);
    } catch (const Stopped& stopped) {
      throw Stopped(fmt::format("{}, {}", runs.title(), run->title), "stopped; the same command goes on",
                    stopped.signal());
    } catch (const Error& error) {
      throw Error(fmt::format("{}, {}", runs.title(), run->title), error.what());
    }
  }
  if (!all) return std::nullopt;
  try {
    const std::vector<std::unique_ptr<FolderLock>> locks = claim_all(runs);
    if (locks.empty()) return std::nullopt;
    return measured_row(runs, options);
  } catch (const Error& error) {
    throw Error(runs.title(), error.what());
  } catch (const Json::exception&) {
    throw Error((runs.folder / "result.json").string(), "what tern study wrote there", "other JSON");
  }
}

}  // namespace tern
