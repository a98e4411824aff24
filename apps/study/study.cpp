#include "apps/study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "apps/common/ranks.h"
#include "apps/study/row.h"
#include "apps/study/table.h"
#include "apps/train/training_setup.h"
#include "data/cifar100.h"
#include "data/image_source.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/distributed/launch.h"
#include "engine/io/file.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

/// What a study is of; whoever went on with it with other images or labels would train a part of it on them.
Json labels_of(const StudyOptions& options) {
  return {{"labels", labels_fingerprint(options.folders.data)}};
}

void check_same_labels(const StudyOptions& options, const Json& labels) {
  const fs::path file = options.out / "inputs.json";
  if (!fs::exists(file) || read_json(file) == labels) return;
  throw Error("--data " + options.folders.data.string(),
              "the images and labels that the study in " + options.out.string() + " was begun with",
              "others");
}

/// After the plan, without which the folder would be a foreign one to the next call.
void note_labels(const StudyOptions& options, const Json& labels) {
  if (!fs::exists(options.out / "inputs.json")) write_json(options.out / "inputs.json", labels);
}

/// Beside others, or as the first of them.
std::unique_ptr<FolderLock> join_folder(const StudyOptions& options, const fs::path& copy) {
  std::unique_ptr<FolderLock> lock =
      lock_folder(options.out, "beginning with this study", FolderLock::Kind::shared);
  if (!lock->is_held()) {
    throw Error("--join --out " + options.out.string(), "a folder whose file system has locks",
                "one without, where all would do the same");
  }
  const std::string plan = read_text_file(options.plan);
  if (!fs::exists(copy)) write_file(copy, plan);
  if (read_text_file(copy) != plan) {
    throw Error("--join --plan " + options.plan.string(),
                "the plan of those at work on the study (" + copy.string() + ")", "another");
  }
  const Json labels = labels_of(options);
  note_labels(options, labels);
  check_same_labels(options, labels);
  return lock;
}

/// A new folder for the study, or the one in which it goes on, kept from other studies.
std::unique_ptr<FolderLock> open_folder(const StudyOptions& options) {
  std::error_code unseen;  // what cannot be looked at cannot be made either, which then says why
  const bool is_there = fs::exists(options.out, unseen);
  if (is_there && !fs::is_directory(options.out))
    throw Error("--out " + options.out.string(), "a folder", "a file");
  const fs::path copy = options.out / "plan.toml";
  if (is_there && !fs::exists(copy) && !is_empty_but_for_lock(options.out)) {
    throw Error("--out " + options.out.string(), "an absent or empty folder, or one of tern study",
                "a folder with other files");
  }
  make_folder("--out", options.out);
  if (options.join) return join_folder(options, copy);
  std::unique_ptr<FolderLock> lock =
      lock_folder(options.out, "at work on this study; --join works beside it");
  remove_unfinished(options.out);
  const Json labels = labels_of(options);
  check_same_labels(options, labels);
  write_file(copy, read_text_file(options.plan));
  note_labels(options, labels);
  lock->share();
  return lock;
}

std::map<std::string, WeightSource> named_weights(const std::vector<std::string>& texts) {
  std::map<std::string, WeightSource> weights;
  for (const std::string& text : texts) {
    const std::size_t equals = fs::exists(text) ? std::string::npos : text.find('=');
    const std::string name = equals == std::string::npos ? "" : text.substr(0, equals);
    const fs::path file = equals == std::string::npos ? text : text.substr(equals + 1);
    if (!fs::exists(file)) throw Error("--weights " + text, "a file, or NAME=FILE", "no file there");
    if (!weights.emplace(name, WeightSource(file)).second)
      throw Error("--weights", "each name once", name.empty() ? "two files without a name" : name);
  }
  return weights;
}

/// "NAME=KEY" for the weights of that name, "KEY" for those without one.
void add_keys(const std::vector<std::string>& texts, std::map<std::string, WeightSource>& weights) {
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    const bool is_named = equals != std::string::npos && weights.contains(text.substr(0, equals));
    const std::string name = is_named ? text.substr(0, equals) : "";
    const auto found = weights.find(name);
    if (found == weights.end()) throw Error("--key " + text, "--weights that it is for", "none");
    if (!found->second.key.empty()) throw Error("--key " + text, "one key for each of --weights", "two");
    found->second.key = is_named ? text.substr(equals + 1) : text;
  }
}

bool wants_cifar(const StudyPlan& plan) {
  return std::any_of(plan.rows.begin(), plan.rows.end(), [](const StudyRow& row) {
    return row.folds > 0 || row.resolved().cifar != CifarMode::none;
  });
}

/// Weights that no row asks for are a slip that would cost all trainings.
void check_weights_used(const StudyPlan& plan, const std::map<std::string, WeightSource>& weights) {
  for (const auto& [name, source] : weights) {
    const bool used = std::any_of(plan.rows.begin(), plan.rows.end(),
                                  [&name = name](const StudyRow& row) { return row.weights == name; });
    if (used) continue;
    throw Error("--weights " + (name.empty() ? "" : name + "=") + source.file.string(),
                "weights for a row of the plan",
                name.empty() ? "rows that all name theirs" : "no row with weights = \"" + name + "\"");
  }
}

void check_folds(const StudyPlan& plan, std::size_t subclasses) {
  for (const StudyRow& row : plan.rows) {
    if (std::cmp_less_equal(row.folds, subclasses)) continue;
    throw Error(fmt::format("{} row {} folds", plan.file.string(), row.name),
                fmt::format("at most {}, as there are subclasses", subclasses), fmt::format("{}", row.folds));
  }
}

StudyInputs gather_inputs(const StudyPlan& plan, const StudyOptions& options) {
  StudyInputs inputs;
  inputs.out = options.out;
  check_data_folder(options.folders.data);
  const ClassTable classes = load_class_names(options.folders.data);
  inputs.superclasses = classes.superclass_names;
  inputs.superclasses.pop_back();  // "novel"
  check_folds(plan, classes.subclass_names.size() - 1);
  inputs.weights = named_weights(options.weights);
  add_keys(options.keys, inputs.weights);
  check_weights_used(plan, inputs.weights);
  if (!wants_cifar(plan)) return inputs;
  const fs::path cifar =
      options.folders.cifar.empty() ? options.folders.data / "cifar-100-binary" : options.folders.cifar;
  if (fs::is_directory(cifar)) inputs.cifar_groups = novel_cifar_groups(load_cifar100(cifar));
  return inputs;
}

fs::path images_of(const StudyOptions& options) {
  if (!options.images.empty()) {
    ImageSource::open(options.images);  // throws where there are none: better before days of training
    return options.images;
  }
  return find_test_images(options.folders.data);
}

/// What a training would stop at only in its turn, after days of others. Reads images only where they are so
/// small that it matters how many are left for a last batch.
void check_batch_sizes(const std::vector<RowRuns>& rows, const DataFolders& folders) {
  for (const RowRuns& row : rows) {
    for (const StudyRun* run : row.all()) {
      for (const Training& training : run->members) {
        const Config config = read_config(training.config, training.sets);
        if (!is_single_image_too_few(config) || is_trained(training)) continue;
        const StudyData data = load_study_data(config, resolve_folders(config, folders));
        try {
          check_batch_size(config, static_cast<std::int64_t>(data.split.train.size()));
        } catch (const Error& error) {
          throw Error(fmt::format("{}, {}", row.title(), run->title), error.what());
        }
      }
    }
  }
}

struct ListedTraining {
  std::string row, run;
  fs::path folder;
  bool shared = false;  ///< with a row before
  bool done = false;
};

std::vector<ListedTraining> list_trainings(const std::vector<RowRuns>& rows) {
  std::vector<ListedTraining> list;
  std::set<fs::path> seen;
  for (const RowRuns& row : rows) {
    for (const StudyRun* run : row.all()) {
      for (const Training& training : run->members) {
        const bool first = seen.insert(training.folder).second;
        list.push_back({row.title(), run->title, training.folder, !first, is_trained(training)});
      }
    }
  }
  return list;
}

void print_list(const std::vector<ListedTraining>& list, ResultForm form) {
  const auto trainings = std::count_if(list.begin(), list.end(), [](const auto& one) { return !one.shared; });
  Json json = {{"trainings", trainings}, {"list", Json::array()}};
  for (const auto& [row, run, folder, shared, done] : list) {
    json["list"].push_back(
        {{"row", row}, {"run", run}, {"folder", folder.string()}, {"shared", shared}, {"done", done}});
    if (form == ResultForm::text) {
      fmt::print("{:<28} {:<24} {}{}{}\n", row, run, folder.string(), shared ? "  (shared)" : "",
                 done ? "  (done)" : "");
    }
  }
  if (form == ResultForm::text) fmt::print("{} trainings\n", trainings);
  if (form == ResultForm::json) print_json(json);
}

bool wants_features(const StudyRow& row) {
  return row.novelty_scores || !row.scores.empty();
}

/// Says which training of how many begins.
class Announcer {
 public:
  explicit Announcer(const std::vector<RowRuns>& rows) {
    for (const RowRuns& row : rows) {
      for (const StudyRun* run : row.all()) {
        for (const fs::path& folder : run->folders()) places_.emplace(folder, places_.size() + 1);
      }
    }
  }
  void operator()(const std::string& row, const StudyRun& run, const Training& training) const {
    remark("\n{}, {}: training {} of {} -> {}\n", row, run.title, places_.at(training.folder), places_.size(),
           training.folder.string());
  }

 private:
  std::map<fs::path, std::size_t> places_;
};

/// What earlier calls found, so that the tables have it from the start; null where nothing is yet.
std::vector<RowResult> earlier_results(const std::vector<RowRuns>& rows) {
  std::vector<RowResult> results;
  for (const RowRuns& row : rows) {
    const fs::path file = row.folder / "result.json";
    results.push_back({row.row, row.seed, fs::exists(file) ? read_result(file) : Json()});
  }
  return results;
}

/// What is known so far, as tables and as JSON.
struct StudyResult {
  std::string tables;
  Json json;
};

StudyResult write_result(const StudyPlan& plan, std::vector<RowResult> results, const StudyOptions& options) {
  std::erase_if(results, [](const RowResult& result) { return !result.result.contains("estimate"); });
  StudyResult result{study_tables(plan, results), study_json(plan, results)};
  write_json(options.out / "study.json", result.json);
  write_file(options.out / "tables.md", result.tables);
  return result;
}

constexpr int kRoundsBetweenWords = 15;  // half a minute

/// Waits a little, so that others get on with what they are at.
void wait_for_others(const StudyOptions& options) {
  const StopRequest stop_request;
  for (int tenths = 20; tenths > 0; --tenths) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    if (StopRequest::arrived())
      throw Stopped("--out " + options.out.string(), "stopped; the same command goes on");
  }
}

/// Goes over the rows until nothing is left, passing over what other calls are at.
StudyResult complete_rows(const StudyPlan& plan, const std::vector<RowRuns>& rows, RowOptions row_options,
                          const StudyOptions& options) {
  const Announcer announce(rows);
  std::vector<RowResult> results = earlier_results(rows);
  std::vector<bool> done(rows.size(), false);
  StudyResult result;
  ScoreMemo memo;
  row_options.memo = &memo;
  const RowRuns* before = nullptr;
  for (int since_told = 0;;) {
    bool waits = false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (done[i]) continue;
      if (before != nullptr && rows[i].last.folders() != before->last.folders()) memo.scores.clear();
      before = &rows[i];
      memo.with_features = wants_features(*rows[i].row);
      row_options.before_training = [&](const StudyRun& run, const Training& training) {
        announce(rows[i].title(), run, training);
      };
      const std::optional<Json> completed = complete_row(rows[i], row_options);
      done[i] = completed.has_value();
      if (!completed) {
        waits = true;
        continue;
      }
      results[i].result = *completed;
      result = write_result(plan, results, options);
    }
    if (!waits) return result;
    if (since_told++ % kRoundsBetweenWords == 0)
      remark("waiting for what other calls of this study are at\n");
    wait_for_others(options);
  }
}

/// As one of several processes that a launcher has started: each joins the others, with its share of the machine's cores, and the
/// first prints the result.
StudyOptions launched(StudyOptions options) {
  const Launch launch = launch_of_environment();
  if (launch.size == 1) return options;
  options.join = true;
  if (launch.rank > 0) options.print = ResultForm::none;
  if (options.runtime.threads == 0 && std::getenv("OMP_NUM_THREADS") == nullptr)
    options.runtime.threads = threads_beside(launch.on_host);
  return options;
}

}  // namespace

int study(const StudyOptions& asked) {
  const StudyOptions options = launched(asked);
  const StudyPlan plan = read_plan(options.plan);
  const StudyInputs inputs = gather_inputs(plan, options);
  const std::vector<RowRuns> rows = plan_runs(plan, inputs);
  if (options.dry_run) {
    print_list(list_trainings(rows), options.print);
    return 0;
  }
  prepare_runtime(options.runtime);
  RowOptions row_options;
  row_options.folders = options.folders;
  row_options.images = images_of(options);
  check_batch_sizes(rows, options.folders);
  const std::unique_ptr<FolderLock> lock = open_folder(options);
  row_options.runtime = options.runtime;
  row_options.mix = plan.mix;
  if (row_options.images.empty())
    remark("no predictions: no test_images in {} and no --images\n", options.folders.data.string());
  const StudyResult result = complete_rows(plan, rows, row_options, options);
  if (options.print == ResultForm::text) {
    remark("\n");
    print_now(stdout, result.tables);
    remark("\n");
  }
  if (options.print == ResultForm::json) print_json(result.json);
  remark("written to {}\n", (options.out / "tables.md").string());
  return 0;
}

}  // namespace tern
