// The journey of a training: settings -> images -> split -> model after model -> run folder. Of several ranks the root takes it
// (lead()), and sends the others its plan (follow()).
#include "apps/train/train.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "apps/common/ranks.h"
#include "apps/common/shell_word.h"
#include "apps/common/version.h"
#include "apps/run/run_folder.h"
#include "apps/run/session.h"
#include "apps/train/trainer.h"
#include "data/device_loader.h"
#include "engine/backend/backend.h"
#include "engine/core/check.h"
#include "engine/io/file.h"
#include "models/checkpoint.h"
#include "models/ranks.h"
#include "models/weight_names.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

/// The options with what a resumed run knows filled in.
struct Plan {
  Config config;
  DataFolders folders;
  WeightSource weights;
  std::optional<Run> run;  ///< of a resumed run
  bool complete = false;   ///< nothing is left to do
};

Plan plan_new(const TrainOptions& options) {
  Run::check_free(options.out);
  Plan plan;
  plan.config = read_config(options.config, options.sets);
  plan.folders = resolve_folders(plan.config, options.folders);
  if (!options.weights.empty())
    plan.weights = {fs::absolute(options.weights.file).lexically_normal(), options.weights.key};
  return plan;
}

/// The weights given, or those that the run was started with. Throws Error if both are there and differ.
WeightSource agreed_weights(const Run& run, const WeightSource& given) {
  const WeightSource before = run.weights();
  if (!given.file.empty()) {
    const fs::path now = fs::absolute(given.file).lexically_normal();
    if (before.file != now)
      throw Error("--resume --weights", before.file.string() + " as before", now.string());
  }
  if (!given.key.empty() && given.key != before.key) {
    throw Error("--resume --key", before.key.empty() ? "none, as before" : before.key + " as before",
                given.key);
  }
  return before;
}

bool has_best_models(const Run& run) {
  const std::vector<Part> parts = parts_of(run.config);
  return std::all_of(parts.begin(), parts.end(),
                     [&run](Part part) { return fs::exists(run.best_model(part)); });
}

Plan plan_resumed(const TrainOptions& options) {
  Plan plan;
  plan.run = Run::open(options.out);
  Run& run = *plan.run;
  plan.config = options.config.empty() ? make_config(options.sets, run.config)
                                       : read_config(options.config, options.sets);
  check_resumable(run.config, plan.config);
  supply_first_session(run);
  plan.complete = run.summary.value("status", "") == "complete" && plan.config.epochs == run.config.epochs &&
                  has_best_models(run);
  plan.folders = options.folders;  // may have moved: the fingerprint says whether the images are the same
  if (plan.folders.data.empty()) plan.folders.data = run.summary_text("inputs", "data");
  if (plan.folders.cifar.empty()) plan.folders.cifar = run.summary_text("inputs", "cifar");
  plan.folders = resolve_folders(plan.config, plan.folders);
  plan.weights = agreed_weights(run, options.weights);
  run.config = plan.config;
  return plan;
}

/// Some sums of floats (oneDNN's of a convolution's weight gradient) are parted among the threads: a resumed
/// run keeps the number it had, so that it ends with the same bits, unless another is asked for.
RuntimeOptions runtime_for(const TrainOptions& options, const Plan& plan, const Communicator& ranks) {
  RuntimeOptions runtime = options.runtime;
  const bool as_before = plan.run && plan.run->summary.value("ranks", 1) == ranks.size();
  if (as_before && runtime.threads == 0) runtime.threads = plan.run->summary.value("threads", 0);
  return runtime;
}

/// What the other ranks need of the root's plan.
std::string text_of(const Plan& plan, const RuntimeOptions& runtime) {
  Json sets = Json::array();
  for (const ConfigKey& key : config_keys())
    sets.push_back(key.name + "=" + value_text(key.get(plan.config)));
  return Json{{"config", sets},
              {"data", plan.folders.data.string()},
              {"cifar", plan.folders.cifar.string()},
              {"complete", plan.complete},
              {"device", runtime.device},
              {"threads", runtime.threads}}
      .dump();
}

struct RootPlan {
  Plan plan;
  RuntimeOptions runtime;
};

RootPlan root_plan_of(const std::string& text) {
  const Json json = Json::parse(text);
  RootPlan root;
  root.plan.config = make_config(json.at("config").get<std::vector<std::string>>());
  root.plan.folders = {json.at("data").get<std::string>(), json.at("cifar").get<std::string>()};
  root.plan.complete = json.at("complete").get<bool>();
  root.runtime.device = json.at("device").get<std::string>();
  root.runtime.threads = json.at("threads").get<int>();
  return root;
}

/// The device that all ranks compute on.
Device prepare_training(Communicator& ranks, const RuntimeOptions& runtime, const Config& config) {
  const Device device = prepare_ranks(ranks, runtime, "a training");
  ranks.set_patience(std::chrono::seconds(config.rank_patience_seconds));
  return device;
}

/// Nothing of a run is read before it is locked.
std::unique_ptr<FolderLock> lock_to_resume(const fs::path& folder) {
  if (!fs::is_directory(folder))
    throw Error("--resume --out " + folder.string(), "a run folder",
                fs::exists(folder) ? "a file" : "no folder there");
  return lock_folder(folder, "training into it");
}

std::unique_ptr<FolderLock> lock_new(const fs::path& folder) {
  Run::check_free(folder);
  make_folder("--out", folder);
  return lock_folder(folder, "training into it");
}

/// True if `folder` holds a run that began, so that there is something to go on with.
bool has_begun(const fs::path& folder) {
  return fs::exists(folder / "config.toml") && fs::exists(folder / "summary.json");
}

/// One class alone is always right.
void check_classes(const Config& config, const StudyData& data) {
  const auto count = [&](Level level) {
    const std::vector<std::uint8_t> taught = taught_classes(config, data, level);
    return std::count(taught.begin(), taught.end(), 1);
  };
  const auto super = count(Level::super), sub = count(Level::sub);
  if (config.outlier_exposure > 0 && data.trained(Level::sub).back() == 0) {
    throw Error("outlier_exposure",
                "0 without training images of the novel class (cifar = \"large\" adds some)",
                fmt::format("{}", config.outlier_exposure));
  }
  const bool only_super = config.approach == Approach::two_models && config.levels == Levels::super;
  if ((only_super ? super : sub) < 2) {
    throw Error("training images",
                fmt::format("at least 2 {}, to be told apart (novel images are one more)",
                            only_super ? "superclasses" : "subclasses"),
                "1");
  }
  if (super < 2 && config.levels != Levels::sub && !data.dataset.classes.has_one_level())
    warn("note: all training images are of one superclass, which every image will be taken for\n");
}

/// A run that was ended before it wrote its summary has trained nothing: it starts anew.
void clear_unbegun(const TrainOptions& options) {
  const fs::path& folder = options.out;
  const bool has_config = fs::exists(folder / "config.toml");
  if (!has_config && fs::exists(folder / "summary.json"))
    throw Error(folder.string(),
                "a run with config.toml, its settings (take it from a copy, or train into another folder)",
                "none");
  if (has_config) {
    const Run run = Run::open(folder);
    run.remove_temporary_files();
    if (run.has_checkpoints()) throw Error(folder.string(), run.summary_wanted(), "none");
  }
  if (options.config.empty()) {
    throw Error("--config", "a file with settings (the run in " + folder.string() + " has not begun)",
                "none");
  }
  if (!has_config) return;
  fs::remove(folder / "config.toml");
  fs::remove(folder / "checkpoints");
}

void check_same_data(const Run& run, const StudyData& data) {
  const std::string before = run.summary_text("inputs", "fingerprint");
  if (before != data.fingerprint) {
    throw Error("--resume --data", "the images and labels that the run was started with (" + before + ")",
                "others (" + data.fingerprint + ")" + run.decoder_text());
  }
}

Json describe_classes(const Config& config, const StudyData& data) {
  const ClassTable& classes = data.dataset.classes;
  return {{"superclass_names", classes.superclass_names},
          {"subclass_names", classes.subclass_names},
          {"subclass_to_super", classes.subclass_to_super},
          {"superclass_trained", taught_classes(config, data, Level::super)},
          {"subclass_trained", taught_classes(config, data, Level::sub)}};
}

Run begin_run(Run run, const Json& session, const Plan& plan, const StudyData& data) {
  run.remove_temporary_files();
  make_folder("--out", run.folder() / "checkpoints");
  Json& summary = run.summary;
  add_session(run, session);
  summary["status"] = "training";
  run.save_config();
  summary["inputs"] = {{"data", plan.folders.data.string()},
                       {"cifar", plan.folders.cifar.string()},
                       {"weights", plan.weights.file.string()},
                       {"fingerprint", data.fingerprint}};
  if (!plan.weights.key.empty()) summary["inputs"]["weights_key"] = plan.weights.key;
  summary["split"] = data.describe_split();
  summary["classes"] = describe_classes(run.config, data);
  run.save_summary();
  write_file(run.split_file(), data.split_csv());
  return run;
}

/// "324 to train (10 of them novel, 300 CIFAR)": novel ones of the data's own, and those added from CIFAR-100.
std::string images_text(const StudyData& data, const std::vector<std::int64_t>& indices, const char* what) {
  const std::int64_t cifar = data.count_extra(indices);
  const std::int32_t none = data.dataset.classes.novel_superclass();
  const auto novel = std::count_if(indices.begin(), indices.end(), [&](std::int64_t index) {
    return data.dataset.superclasses[static_cast<std::size_t>(index)] == none;
  });
  const std::int64_t own = novel - cifar;
  std::string text = fmt::format("{} to {}", indices.size(), what);
  if (own > 0 && cifar > 0) return text + fmt::format(" ({} of them novel, {} CIFAR)", own, cifar);
  if (own > 0) return text + fmt::format(" ({} of them novel)", own);
  return cifar > 0 ? text + fmt::format(" ({} of them CIFAR)", cifar) : text;
}

/// `run` as it was before this session.
void print_start(const Run& run, const Json& session, const Plan& plan, const StudyData& data,
                 const std::string& weights_note) {
  remark("{}\n", session.at("backend").get<std::string>());
  warn("{}", data.dataset.passed_over.text());
  const std::string changes = changes_since(run, session);
  if (!changes.empty()) {
    warn("note: the run had {}: its bytes at the end may differ from an uninterrupted run's\n", changes);
  }
  std::string images = fmt::format("images: {}, {}", images_text(data, data.split.train, "train"),
                                   images_text(data, data.split.validation, "validate"));
  const auto held_out = data.split.held_out.size();
  if (held_out > 0) {
    images += fmt::format(", {} of {} held-out {}class{}", data.split.pseudo_novel.size(), held_out,
                          data.dataset.classes.has_one_level() ? "" : "sub", held_out == 1 ? "" : "es");
  }
  const auto novel = data.split.pseudo_novel_super.size();
  if (novel > 0) images += fmt::format(", {} of a superclass that is never trained on", novel);
  std::string start = "as trained so far";
  if (!plan.run) {
    start = plan.weights.empty() ? "random initialisation (no --weights)"
                                 : with_note(plan.weights.file.string(), weights_note);
  }
  remark("{}\n{}: {}\n", images, run.config.backbone, start);
}

bool wants_teacher(const Config& config, Part part) {
  return part == Part::sub && config.teacher_weight > 0;
}

/// The best superclass model, which the root has on the disk.
Model load_teacher(const Run& run, const StudyData& data, Device device, Communicator& ranks) {
  Model teacher = ranks.is_root() ? std::move(load_model(run.best_model(Part::super), device).model)
                                  : Model(model_spec(run.config, Part::super, data.dataset.classes),
                                          Initialiser::zeros(device));
  broadcast_state(ranks, teacher);
  teacher.set_training(false);
  teacher.set_precision(run.config.precision);
  return teacher;
}

void train_parts(Run& run, const StudyData& data, const WeightSource& weights, Device device,
                 Communicator& ranks) {
  const Tensor resident = device.is_cpu() ? Tensor() : resident_images(data.dataset, device);
  for (const Part part : parts_of(run.config)) {
    std::optional<Model> teacher;
    if (wants_teacher(run.config, part)) teacher.emplace(load_teacher(run, data, device, ranks));
    const TrainerOptions options{weights, device, resident, teacher ? &*teacher : nullptr, &ranks};
    Trainer(run, part, data, options).train();
  }
}

void finish(Run& run, const std::string& status) {
  run.summary["status"] = status;
  run.summary["peak_memory_mib"] = peak_memory_mib();
  run.save_summary();
}

/// The same where an error is on its way, which must not be lost to a disk that is full.
void finish_stopped(Run& run, const std::exception& error) {
  try {
    const std::string text = error.what();
    finish(run, text.starts_with("stopped ") ? text : "stopped: " + text);
  } catch (const std::exception&) {
  }
}

void print_end(const Run& run) {
  for (const Part part : parts_of(run.config)) {
    const Json::json_pointer key(fmt::format("/models/{}/best", name_of(part)));
    if (!run.summary.contains(key)) continue;  // removed by hand
    const Json& best = run.summary.at(key);
    remark("{}: best epoch {} with {:.2f} % (loss {:.4f}): {}\n", name_of(part), best.value("epoch", 0),
           best.value("score_percent", 0.0), best.value("val_loss", 0.0), run.best_model(part).string());
  }
  remark("next: tern evaluate --run {}\n", shell_word(run.folder().string()));
}

int lead(const TrainOptions& options, Communicator& ranks) {
  std::shared_ptr<FolderLock> lock = options.lock;
  if (!lock && options.resume) lock = lock_to_resume(options.out);
  const bool resumed = options.resume && has_begun(options.out);
  if (options.resume && !resumed) clear_unbegun(options);
  const Plan plan = resumed ? plan_resumed(options) : plan_new(options);
  const RuntimeOptions runtime = runtime_for(options, plan, ranks);
  if (ranks.size() > 1) ranks.broadcast(text_of(plan, runtime));
  if (plan.complete) {
    remark("{} is complete: all {} epochs are done\n", options.out.string(), plan.config.epochs);
    if (options.print == ResultForm::json) print_json(plan.run->summary);
    return 0;
  }
  const Device device = prepare_training(ranks, runtime, plan.config);
  check_precision(device, plan.config.precision);
  const std::string weights_note = check_backbone_weights(plan.config, plan.weights);
  const StudyData data = load_study_data(plan.config, plan.folders);
  check_alike(ranks, "the images and labels", data.fingerprint);
  if (resumed) check_same_data(*plan.run, data);
  check_classes(plan.config, data);
  check_batch_size(plan.config, static_cast<std::int64_t>(data.split.train.size()), ranks.size());

  const StopRequest stop_request;
  ranks.give_up_when(StopRequest::arrived);
  if (!lock) lock = lock_new(options.out);
  Run run = resumed ? *plan.run : Run::create(options.out, plan.config);
  const Json session = session_of(run, device, ranks.size());
  print_start(run, session, plan, data, weights_note);
  run = begin_run(std::move(run), session, plan, data);
  try {
    train_parts(run, data, plan.weights, device, ranks);
  } catch (const std::exception& error) {
    finish_stopped(run, error);
    throw;
  }
  finish(run, "complete");
  print_end(run);
  if (options.print == ResultForm::json) print_json(run.summary);
  return 0;
}

/// A rank that is not the root: it reads settings and weights from there, and images from its own disk.
int follow(const TrainOptions& options, Communicator& ranks) {
  silence_console();
  const auto [plan, runtime] = root_plan_of(ranks.broadcast(std::string()));
  if (plan.complete) return 0;
  const Device device = prepare_training(ranks, runtime, plan.config);
  const StudyData data = load_study_data(plan.config, plan.folders);
  check_alike(ranks, "the images and labels", data.fingerprint);
  const StopRequest stop_request;
  ranks.give_up_when(StopRequest::arrived);
  Run run = Run::of_root(options.out, plan.config);
  train_parts(run, data, {}, device, ranks);
  return 0;
}

}  // namespace

int train(const TrainOptions& options) {
  if (options.alone) return lead(options, *make_local_communicator());
  if (options.ranks > 0) start_ranks(options.ranks);
  Communicator& ranks = world();
  check_alike(ranks, "the version", version_text());
  return ranks.is_root() ? lead(options, ranks) : follow(options, ranks);
}

}  // namespace tern
