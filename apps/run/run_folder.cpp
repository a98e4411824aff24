#include "apps/run/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "apps/run/session.h"
#include "data/jpeg.h"
#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/folder_lock.h"

namespace tern {
namespace fs = std::filesystem;

namespace {

bool is_session(const Json& json) {
  const auto is = [&json](const char* key, bool (Json::*fits)() const noexcept) {
    return !json.contains(key) || (json.at(key).*fits)();
  };
  return json.is_object() && is("epochs", &Json::is_number_integer) && is("done", &Json::is_object) &&
         is("versions", &Json::is_object) && is("device", &Json::is_string);
}

using Indices = std::vector<std::int32_t>;

/// None where a number is too large. Throws Json::exception for anything but a list of whole numbers.
std::optional<Indices> indices_of(const Json& json) {
  Indices indices;
  for (const Json& one : json.get_ref<const Json::array_t&>()) {
    const std::int64_t number = whole_number(one);
    if (!std::in_range<std::int32_t>(number)) return std::nullopt;
    indices.push_back(static_cast<std::int32_t>(number));
  }
  return indices;
}

/// What resuming goes by. The values that evaluation needs are checked when they are asked for.
void check_summary(const fs::path& file, const Json& summary) {
  if (!summary.is_object()) throw Error(file.string(), "what tern train writes there", "other JSON");
  const auto check_key = [&](const char* key, const char* wanted, bool (*fits)(const Json&)) {
    if (summary.contains(key) && !fits(summary.at(key)))
      throw Error(file.string() + " " + key, wanted, "something else");
  };
  check_key("status", "a text", [](const Json& json) { return json.is_string(); });
  for (const char* key : {"threads", "ranks"}) {
    check_key(key, "a whole number in [1, 4096]", [](const Json& json) {
      return json.is_number_unsigned() && json.get<std::uint64_t>() >= 1 && json.get<std::uint64_t>() <= 4096;
    });
  }
  check_key("sessions", "what each session ran with", [](const Json& json) {
    return json.is_array() && std::all_of(json.begin(), json.end(), is_session);
  });
  check_key("versions", "an object of versions", [](const Json& json) { return json.is_object(); });
  check_key("device", "a text", [](const Json& json) { return json.is_string(); });
  check_key("models", "what is known of each model", [](const Json& json) {
    return json.is_object() &&
           std::all_of(json.begin(), json.end(), [](const Json& model) { return model.is_object(); });
  });
}

}  // namespace

const char* name_of(Part part) {
  switch (part) {
    case Part::two_heads:
      return "two_heads";
    case Part::super:
      return "super";
    case Part::sub:
      break;
  }
  return "sub";
}

std::vector<Level> levels_of(Part part) {
  if (part == Part::super) return {Level::super};
  if (part == Part::sub) return {Level::sub};
  return {Level::super, Level::sub};
}

bool has_level(Part part, Level level) {
  return part == Part::two_heads || (part == Part::super) == (level == Level::super);
}

std::vector<Part> parts_of(const Config& config) {
  if (config.approach == Approach::two_heads) return {Part::two_heads};
  if (config.levels == Levels::super) return {Part::super};
  if (config.levels == Levels::sub) return {Part::sub};
  return {Part::super, Part::sub};
}

void Run::check_free(const fs::path& folder) {
  std::error_code unseen;  // what cannot be looked at cannot be made either, which then says why
  const fs::file_status status = fs::status(folder, unseen);
  if (!fs::exists(status)) return;
  if (!fs::is_directory(status)) throw Error("--out " + folder.string(), "a folder", "a file");
  if (fs::exists(folder / "config.toml")) {
    throw Error("--out " + folder.string(), "a new folder, or --resume to go on with the run that is there",
                "a run");
  }
  if (!is_empty_but_for_lock(folder)) {
    throw Error("--out " + folder.string(), "an absent or empty folder", "a folder with other files");
  }
}

Run Run::create(const fs::path& folder, const Config& config) {
  check_free(folder);
  make_folder("--out", folder);
  Run run(folder);
  run.config = config;
  run.save_config();  // first: a folder in which not even that could be written is as free as before
  make_folder("--out", folder / "checkpoints");
  return run;
}

Run Run::of_root(const fs::path& folder, const Config& config) {
  Run run(folder);
  run.config = config;
  return run;
}

Run Run::open(const fs::path& folder) {
  constexpr const char* kWanted = "a run folder (made by tern train)";
  if (!fs::is_directory(folder))
    throw Error(folder.string(), kWanted, fs::exists(folder) ? "a file" : "no folder there");
  if (!fs::exists(folder / "config.toml"))
    throw Error(folder.string(), kWanted, "a folder without config.toml");
  Run run(folder);
  const fs::path config = folder / "config.toml", summary = folder / "summary.json";
  run.config = read_config(config);
  // What is missing at the end of a file that was cut off would silently be a default.
  if (!read_text_file(config).ends_with('\n'))
    throw Error(config.string(), "all settings of the run", "a file that ends early");
  if (!fs::exists(summary)) return run;
  run.summary = read_json(summary);
  check_summary(summary, run.summary);
  return run;
}

fs::path Run::checkpoint(const char* which, Part part) const {
  const std::string suffix = part == Part::two_heads ? "" : std::string("_") + name_of(part);
  return folder_ / "checkpoints" / (which + suffix + ".safetensors");
}

void Run::save_config() const {
  write_file(folder_ / "config.toml", config_text(config) + changes_of_plan(summary));
}

void Run::save_summary() const {
  write_json(folder_ / "summary.json", summary);
}

namespace {

void check_not_of(const fs::path& run, const std::string& option, const fs::path& path) {
  const fs::path checkpoints = run / "checkpoints";
  std::vector<fs::path> own;
  for (const char* name :
       {"config.toml", "summary.json", "evaluation.json", "calibration.json", "scores.safetensors",
        "known_features.safetensors", FolderLock::kFileName, "metrics.csv", "split.csv"})
    own.push_back(run / name);
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(checkpoints, absent)) own.push_back(entry.path());
  for (const auto& entry : fs::directory_iterator(run, absent)) {
    if (entry.path().filename().string().starts_with("events.out.tfevents.")) own.push_back(entry.path());
  }
  const auto is_path = [&path](const fs::path& one) {  // there already, or to be
    return same_file(path, one) || fs::weakly_canonical(path) == fs::weakly_canonical(one);
  };
  const bool among = same_file(fs::absolute(path).parent_path(), checkpoints);
  if (!among && std::none_of(own.begin(), own.end(), is_path)) return;
  throw Error(option + " " + path.string(), "a file that is not the run's own",
              among ? "one among its checkpoints" : "one that tern writes there");
}

}  // namespace

void Run::check_not_own(const std::string& option, const fs::path& path) const {
  check_not_of(folder_, option, path);
  check_not_of_a_run(option, path);
}

void check_not_of_a_run(const std::string& option, const fs::path& path) {
  const fs::path beside = fs::weakly_canonical(path).parent_path();
  for (const fs::path& folder : {beside, beside.parent_path()}) {
    if (fs::exists(folder / "config.toml") && fs::exists(folder / "summary.json"))
      check_not_of(folder, option, path);
  }
}

void Run::remove_temporary_files() const {
  for (const fs::path& folder : {folder_, folder_ / "checkpoints"}) {
    if (fs::is_directory(folder)) remove_unfinished(folder);
  }
}

std::string Run::unfinished_text() const {
  if (summary.is_null() || summary.value("status", "complete") == "complete") return "";
  const std::vector<Part> parts = parts_of(config);
  if (std::none_of(parts.begin(), parts.end(), [this](Part part) { return fs::exists(best_model(part)); }))
    return "";  // what comes is an error
  return fmt::format("note: {} was not trained to the end ({}): these are its best models so far\n",
                     folder_.string(), summary.value("status", ""));
}

std::string Run::decoder_text() const {
  const Json::json_pointer key("/versions/libjpeg_turbo");
  const std::string before = summary.contains(key) && summary.at(key).is_string()
                                 ? "libjpeg-turbo " + summary.at(key).get<std::string>()
                                 : "another JPEG decoder";
  if (before == "libjpeg-turbo " + jpeg_version()) return "";
  return fmt::format("; the run was made with {}, and this is libjpeg-turbo {}: pixels may differ", before,
                     jpeg_version());
}

std::string Run::summary_subject(const std::string& key) const {
  return (folder_ / "summary.json").string() + " " + key;
}

bool Run::has_checkpoints() const {
  const fs::path checkpoints = folder_ / "checkpoints";
  return fs::is_directory(checkpoints) && !fs::is_empty(checkpoints);
}

std::string Run::summary_wanted() const {
  return has_checkpoints()
             ? "a run with summary.json, which names its classes and its data and which nothing can "
               "make again (take it from a copy, or train anew, into another folder or after removing this "
               "one)"
             : "a run with summary.json (tern train --resume writes it)";
}

template <typename T>
T Run::summary_value(const char* group, const char* key, const char* wanted) const {
  if (summary.is_null()) throw Error(folder_.string(), summary_wanted(), "none");
  const bool is_there =
      summary.contains(group) && summary.at(group).is_object() && summary.at(group).contains(key);
  try {
    const Json& value = summary.at(group).at(key);
    if constexpr (std::is_same_v<T, Indices>) {
      if (const auto indices = indices_of(value)) return *indices;
    } else {
      return value.get<T>();
    }
  } catch (const Json::exception&) {  // what is thrown below
  }
  throw Error(summary_subject(fmt::format("{}.{}", group, key)), wanted,
              is_there ? "something else" : "none");
}

std::string Run::summary_text(const char* group, const char* key) const {
  return summary_value<std::string>(group, key, "a text");
}

WeightSource Run::weights() const {
  const std::string file = summary_text("inputs", "weights");
  // Runs of before there were keys have none.
  const bool has_key = summary.at("inputs").contains("weights_key");
  return {file, has_key ? summary_text("inputs", "weights_key") : ""};
}

ClassTable Run::classes() const {
  using Names = std::vector<std::string>;
  ClassTable table;
  table.superclass_names = summary_value<Names>("classes", "superclass_names", "class names");
  table.subclass_names = summary_value<Names>("classes", "subclass_names", "class names");
  table.subclass_to_super =
      summary_value<Indices>("classes", "subclass_to_super", "an index for each subclass");
  if (table.superclass_names.empty() || table.subclass_names.empty() ||
      table.subclass_to_super.size() != table.subclass_names.size()) {
    throw Error(summary_subject("classes"), "names, and a superclass for each subclass",
                "lists of other lengths");
  }
  for (const std::int32_t superclass : table.subclass_to_super) {  // -1: a subclass without images
    if (superclass >= -1 && superclass < table.superclass_count()) continue;
    throw Error(summary_subject("classes.subclass_to_super"),
                fmt::format("-1 to {}", table.superclass_count() - 1), fmt::format("{}", superclass));
  }
  return table;
}

std::vector<std::int32_t> Run::held_out_subclasses() const {
  return summary_value<Indices>("split", "held_out_subclasses", "subclass indices");
}

std::vector<std::uint8_t> Run::trained(Level level) const {
  const char* const key = level == Level::super ? "superclass_trained" : "subclass_trained";
  const std::int32_t classes = this->classes().count(level);
  const std::string wanted = fmt::format("0 or 1 for each of {} classes", classes);
  const auto numbers = summary_value<Indices>("classes", key, wanted.c_str());
  if (static_cast<std::int32_t>(numbers.size()) != classes) {
    throw Error(summary_subject(fmt::format("classes.{}", key)), wanted,
                fmt::format("{} numbers", numbers.size()));
  }
  const auto is_flag = [](std::int32_t number) { return number == 0 || number == 1; };
  if (!std::all_of(numbers.begin(), numbers.end(), is_flag) ||
      std::count(numbers.begin(), numbers.end(), 1) == 0) {
    throw Error(summary_subject(fmt::format("classes.{}", key)), wanted + ", 1 for some", "others");
  }
  return {numbers.begin(), numbers.end()};
}

}  // namespace tern
