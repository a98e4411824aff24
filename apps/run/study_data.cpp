#include "apps/run/study_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "data/cifar100.h"
#include "data/image_source.h"
#include "data/study.h"
#include "engine/core/check.h"
#include "engine/core/fingerprint.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"

namespace tern {
namespace {

std::string fingerprint_of(const Dataset& dataset, const Split& split) {
  Fingerprint print;
  print.add(dataset.pixels);
  print.add(dataset.names);
  print.add(dataset.superclasses);
  print.add(dataset.subclasses);
  print.add(dataset.is_extra);
  print.add(dataset.classes.superclass_names);
  print.add(dataset.classes.subclass_names);
  print.add(split.train);
  print.add(split.validation);
  print.add(split.pseudo_novel);
  if (!split.pseudo_novel_super.empty()) print.add(split.pseudo_novel_super);  // runs without keep theirs
  return fmt::format("{:016x}", print.value());
}

CifarSelection cifar_selection(const Config& config) {
  CifarSelection selection;
  selection.mode = config.cifar;
  if (config.cifar_count > 0) selection.count = config.cifar_count;
  selection.exclude_groups = config.cifar_exclude_groups;
  selection.hold_out_groups = config.cifar_hold_out_groups;
  selection.seed = static_cast<std::uint64_t>(config.cifar_seed);
  selection.indices_file = config.cifar_indices;
  return selection;
}

/// Of groups that are never trained on.
void add_held_out_cifar(const Config& config, const DataFolders& folders, Dataset& dataset) {
  if (config.cifar_hold_out_groups.empty()) return;
  CifarSelection selection = cifar_selection(config);
  selection.mode = CifarMode::large;  // also where none are trained on
  selection.count = config.cifar_hold_out_count;
  selection.held_out = true;
  add_cifar(dataset, folders.cifar, selection);
}

/// The images of the superclass that the settings leave out of training, ascending.
std::vector<std::int64_t> left_out_superclass(const Config& config, const Dataset& dataset) {
  if (config.hold_out_superclass.empty()) return {};
  std::vector<std::string> names = dataset.classes.superclass_names;
  names.pop_back();  // "novel"
  const auto found = std::find(names.begin(), names.end(), config.hold_out_superclass);
  if (found == names.end()) {
    throw Error("hold_out_superclass", fmt::format("one of {}", fmt::join(names, ", ")),
                "\"" + config.hold_out_superclass.substr(0, 64) + "\"");
  }
  std::vector<std::int64_t> rows;
  bool is_any_left = false;
  for (std::size_t i = 0; i < dataset.superclasses.size(); ++i) {
    if (dataset.superclasses[i] == found - names.begin())
      rows.push_back(static_cast<std::int64_t>(i));
    else
      is_any_left |= dataset.superclasses[i] != dataset.classes.novel_superclass();
  }
  if (!is_any_left)
    throw Error("hold_out_superclass", "another superclass with images, to train on",
                "none beside " + *found);
  return rows;
}

}  // namespace

std::vector<std::uint8_t> StudyData::trained(Level level) const {
  const std::vector<std::int32_t>& labels = dataset.labels(level);
  std::vector<std::uint8_t> flags(static_cast<std::size_t>(dataset.classes.count(level)), 0);
  for (const std::int64_t index : split.train) flags[static_cast<std::size_t>(labels[index])] = 1;
  return flags;
}

std::int64_t StudyData::count_extra(const std::vector<std::int64_t>& indices) const {
  std::int64_t count = 0;
  for (const std::int64_t index : indices) count += dataset.is_extra[index];
  return count;
}

Json StudyData::describe_split() const {
  return {{"images", dataset.count()},
          {"train", split.train.size()},
          {"train_extra", count_extra(split.train)},
          {"validation", split.validation.size()},
          {"validation_extra", count_extra(split.validation)},
          {"pseudo_novel", split.pseudo_novel.size()},
          {"pseudo_novel_super", split.pseudo_novel_super.size()},
          {"held_out_subclasses", split.held_out}};
}

std::string StudyData::split_csv() const {
  std::string text = "image,part,superclass_index,subclass_index\n";
  const auto add = [&](const char* part, const std::vector<std::int64_t>& indices) {
    for (const std::int64_t index : indices) {
      const std::vector<std::string> fields{dataset.names[index], part,
                                            std::to_string(dataset.superclasses[index]),
                                            std::to_string(dataset.subclasses[index])};
      text += csv_line(fields);
    }
  };
  add("train", split.train);
  add("validation", split.validation);
  add("pseudo_novel", split.pseudo_novel);
  add("pseudo_novel_super", split.pseudo_novel_super);
  return text;
}

bool needs_cifar(const Config& config) {
  return config.cifar != CifarMode::none || !config.cifar_hold_out_groups.empty();
}

DataFolders resolve_folders(const Config& config, const DataFolders& folders) {
  namespace fs = std::filesystem;
  DataFolders resolved{fs::absolute(folders.data).lexically_normal(), {}};
  check_data_folder(resolved.data);
  if (!needs_cifar(config)) return resolved;
  resolved.cifar = folders.cifar.empty() ? resolved.data / "cifar-100-binary"
                                         : fs::absolute(folders.cifar).lexically_normal();
  if (!fs::is_directory(resolved.cifar)) {
    throw Error("--cifar " + resolved.cifar.string(),
                "the folder cifar-100-binary (the settings ask for its images)", "no folder there");
  }
  return resolved;
}

void check_not_image(const std::string& option, const std::filesystem::path& path,
                     const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  if (!is_image_name(path.filename().string()) || !fs::exists(path)) return;
  const fs::path below = fs::weakly_canonical(path).lexically_relative(fs::weakly_canonical(folder));
  if (below.empty() || *below.begin() == "..") return;
  throw Error(option + " " + path.string(), "another file than the inputs", "one of the images");
}

void check_not_data(const std::string& option, const std::filesystem::path& path,
                    const std::filesystem::path& data) {
  // What is to be predicted, too: its labels look like predictions.
  for (const char* file : {"train_data.csv", "superclass_mapping.csv", "subclass_mapping.csv",
                           "train_images.zip", "test_images.zip", "test_labels.csv"}) {
    check_not_input(option, path, "the images", data / file);
  }
  check_not_image(option, path, data);
}

StudyData load_study_data(const Config& config, const DataFolders& folders) {
  StudyData data;
  data.dataset = load_study(folders.data, static_cast<int>(config.image_size));
  if (config.cifar != CifarMode::none) add_cifar(data.dataset, folders.cifar, cifar_selection(config));
  const std::int64_t before = data.dataset.count();
  add_held_out_cifar(config, folders, data.dataset);

  SplitOptions options;
  options.hold_out = config.hold_out;
  options.hold_out_fraction = config.hold_out_fraction;
  options.hold_out_folds = config.hold_out_folds;
  options.hold_out_fold = config.hold_out_fold;
  options.validation_fraction = config.validation_fraction;
  options.set_aside = left_out_superclass(config, data.dataset);
  for (std::int64_t row = before; row < data.dataset.count(); ++row) options.set_aside.push_back(row);
  if (config.split_seed >= 0) options.seed = static_cast<std::uint64_t>(config.split_seed);
  data.split = config.split == SplitKind::faithful ? faithful_split(data.dataset, options)
                                                   : stratified_split(data.dataset, options);
  data.fingerprint = fingerprint_of(data.dataset, data.split);
  return data;
}

StudyData load_run_data(const Run& run, DataFolders folders) {
  if (folders.data.empty()) folders.data = run.summary_text("inputs", "data");
  if (folders.cifar.empty()) folders.cifar = run.summary_text("inputs", "cifar");
  StudyData data = load_study_data(run.config, resolve_folders(run.config, folders));
  const std::string before = run.summary_text("inputs", "fingerprint");
  if (before != data.fingerprint) {
    throw Error("--data " + folders.data.string(), "the images that the run was trained on (" + before + ")",
                "others (" + data.fingerprint + "), whose split may mix training and validation" +
                    run.decoder_text());
  }
  return data;
}

std::string labels_fingerprint(const std::filesystem::path& data) {
  const Dataset dataset = open_study(data).dataset;
  Fingerprint print;
  print.add(dataset.names);
  print.add(dataset.superclasses);
  print.add(dataset.subclasses);
  print.add(dataset.classes.superclass_names);
  print.add(dataset.classes.subclass_names);
  return fmt::format("{:016x}", print.value());
}

}  // namespace tern
