#include "apps/study/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

#include "apps/common/toml_file.h"

#include "apps/measure/choose_thresholds.h"
#include "apps/measure/score_choice.h"
#include "apps/measure/views.h"
#include "engine/core/check.h"
#include "engine/core/nearest.h"

namespace tern {
namespace {

/// A table of the plan, read key by key; what nobody asked for is unknown.
class Keys {
 public:
  Keys(std::string file, const toml::table& table) : file_(std::move(file)), table_(table) {}

  /// The value of `key`, or `otherwise` where it is absent.
  template <typename T>
  T value(const char* key, const char* wanted, T otherwise) {
    const toml::node* node = find(key);
    if (!node) return otherwise;
    const std::optional<T> value = node->value_exact<T>();
    if (!value) fail(key, *node, wanted);
    return *value;
  }

  double number(const char* key, double low, double high, double otherwise) {
    const toml::node* node = find(key);
    if (!node) return otherwise;
    const std::optional<double> value = node->value<double>();
    if (!node->is_number() || !(*value >= low && *value <= high)) {
      fail(key, *node, fmt::format("a number in [{:g}, {:g}]", low, high));
    }
    return *value;
  }

  std::int64_t whole(const char* key, std::int64_t low, std::int64_t high, std::int64_t otherwise) {
    const std::string wanted = fmt::format("a whole number in [{}, {}]", low, high);
    const std::int64_t value = this->value<std::int64_t>(key, wanted.c_str(), otherwise);
    if (value < low || value > high) fail(key, *table_.get(key), wanted);
    return value;
  }

  std::vector<std::int64_t> wholes(const char* key, std::vector<std::int64_t> otherwise) {
    const toml::node* node = find(key);
    if (!node) return otherwise;
    std::vector<std::int64_t> values;
    const toml::array* array = node->as_array();
    for (std::size_t i = 0; array && i < array->size(); ++i) {
      const std::optional<std::int64_t> value = array->get(i)->value_exact<std::int64_t>();
      if (!value || *value < 0 || std::count(values.begin(), values.end(), *value) > 0)
        array = nullptr;
      else
        values.push_back(*value);
    }
    if (values.empty() || !array) fail(key, *node, "an array of whole numbers from 0, each once");
    return values;
  }

  /// A text, or several.
  std::vector<std::string> texts(const char* key, const std::string& wanted) {
    const toml::node* node = find(key);
    std::vector<std::string> values;
    if (!node) return values;
    if (const auto text = node->value<std::string>()) return {*text};
    const toml::array* array = node->as_array();
    for (std::size_t i = 0; array && i < array->size(); ++i) {
      const auto text = array->get(i)->value<std::string>();
      if (!text) fail(key, *node, wanted);
      values.push_back(*text);
    }
    if (values.empty()) fail(key, *node, wanted);
    return values;
  }

  const toml::table* table(const char* key) {
    const toml::node* node = find(key);
    if (node && !node->is_table()) fail(key, *node, "a table");
    return node ? node->as_table() : nullptr;
  }

  std::vector<const toml::table*> tables(const char* key) {
    const toml::node* node = find(key);
    std::vector<const toml::table*> tables;
    if (!node) return tables;
    if (!node->is_array_of_tables()) fail(key, *node, fmt::format("tables, each as [[{}]]", key));
    for (const toml::node& table : *node->as_array()) tables.push_back(table.as_table());
    return tables;
  }

  bool has(const char* key) const { return table_.contains(key); }

  std::string where(const char* key) const {
    const toml::node* node = table_.get(key);
    return fmt::format("{}:{} {}", file_, (node ? node->source() : table_.source()).begin.line, key);
  }

  /// Throws for the first key that was not asked for.
  void check_all_known() const {
    for (const auto& [key, node] : table_) {
      const std::string name(key.str());
      if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
      throw Error(fmt::format("{}:{} {}", file_, key.source().begin.line, name.substr(0, 64)),
                  "a known key" + nearest_remark(name, known_), name.substr(0, 64));
    }
  }

  [[noreturn]] void fail(const char* key, const toml::node& node, const std::string& wanted) const {
    std::ostringstream text;
    node.visit([&text](const auto& value) { text << value; });
    throw Error(where(key), wanted, text.str().substr(0, 120));
  }

 private:
  const toml::node* find(const char* key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  std::string file_;
  const toml::table& table_;
  std::vector<std::string> known_;
};

/// The entries of a table of settings as --set texts.
void append_sets(const toml::table* table, std::vector<std::string>& sets) {
  if (!table) return;
  for (const auto& [key, node] : *table) {
    std::ostringstream text;
    text << key.str() << '=';
    node.visit([&text](const auto& value) { text << value; });
    sets.push_back(text.str());
  }
}

LevelAccuracy read_published(Keys& keys, const std::string& level) {
  const auto percent = [&](const char* which) -> Percent {
    const double value = keys.number((level + which).c_str(), -1, 100, -1);
    return value < 0 ? Percent() : Percent(value);
  };
  return {percent("_overall"), percent("_seen"), percent("_unseen")};
}

void check_name(const Keys& keys, const std::string& name) {
  const bool fits = !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  if (!fits) {
    throw Error(keys.where("name"), "1 to 64 letters, digits, - and _: the name of a folder",
                "\"" + name.substr(0, 80) + "\"");
  }
}

void check_thresholds(const Keys& keys, const StudyRow& row) {
  if (row.thresholds.empty()) return;
  check_rules(keys.where("threshold"), row.thresholds);
  if (row.folds == 0)
    throw Error(keys.where("threshold"), "folds of 2 or more, to calibrate with", "folds = 0");
}

void check_scores(const Keys& keys, const StudyRow& row) {
  if (row.scores.empty()) return;
  try {
    parse_scores(row.scores);
  } catch (const Error& error) {
    throw Error(keys.where("score"), error.what());
  }
  if (row.thresholds.empty())
    throw Error(keys.where("score"), "a threshold beside it: a rule of tern calibrate", "none");
}

/// That the row's settings hold together, and leave to the study what is the study's.
void check_settings(const StudyPlan& plan, const StudyRow& row) {
  const std::string where = fmt::format("{} row {}", plan.file.string(), row.name);
  Config config;
  try {
    config = row.resolved();
  } catch (const Error& error) {
    const std::string text = error.what(), prefix = "--set ";
    throw Error(where, text.substr(text.starts_with(prefix) ? prefix.size() : 0));
  }
  if (config.levels != Levels::both) throw Error(where + " levels", "\"both\"", "one level");
  if (config.hold_out_folds != 0 || config.hold_out_fold != 1 || !config.hold_out_superclass.empty() ||
      !config.cifar_hold_out_groups.empty()) {
    throw Error(where,
                "no hold_out_folds, hold_out_superclass or cifar_hold_out_groups, which the study sets",
                "some");
  }
  if (!row.retrain && !config.hold_out) {
    throw Error(where + " retrain", "hold_out = true in the settings of a row that is not trained again",
                "hold_out = false");
  }
}

NovelSuperclasses read_novel_superclasses(Keys& keys, const StudyRow& row) {
  const char* const wanted = "\"held_out_groups\" or \"left_out\"";
  const auto text = keys.value<std::string>("novel_superclasses", wanted, "held_out_groups");
  if (text == "held_out_groups") return NovelSuperclasses::held_out_groups;
  if (text != "left_out")
    throw Error(keys.where("novel_superclasses"), wanted, "\"" + text.substr(0, 64) + "\"");
  if (!row.leave_superclasses_out) {
    throw Error(keys.where("novel_superclasses"), "leave_superclasses_out = true beside \"left_out\"",
                "false");
  }
  return NovelSuperclasses::left_out;
}

/// What a row trains.
void read_trainings(const StudyPlan& plan, Keys& keys, StudyRow& row) {
  const auto config = keys.value<std::string>("config", "the path of a file with settings", "");
  if (config.empty())
    throw Error(keys.where("config"), "a file with settings, from the plan's folder", "none");
  row.config = plan.file.parent_path() / config;
  append_sets(keys.table("settings"), row.sets);
  row.retrain = keys.value("retrain", "true or false", true);
  row.weights = keys.value<std::string>("weights", "a name given with --weights NAME=FILE", "");
  row.seeds = keys.wholes("seeds", row.seeds);
  row.folds = keys.whole("folds", 0, 100, row.folds);
  if (row.folds == 1) throw Error(keys.where("folds"), "0, or 2 and more", "1");
  row.leave_superclasses_out =
      keys.value("leave_superclasses_out", "true or false", row.leave_superclasses_out);
}

/// `row` as its first member, of which the others are the like.
StudyRow row_of_members(const StudyPlan& plan, const Keys& keys, const std::vector<std::string>& members) {
  std::vector<const StudyRow*> rows;
  for (const std::string& name : members) {
    const auto found = std::find_if(plan.rows.begin(), plan.rows.end(),
                                    [&name](const StudyRow& row) { return row.name == name; });
    if (found == plan.rows.end() || !found->members.empty()) {
      throw Error(keys.where("members"), "names of rows before this one that have no members themselves",
                  "\"" + name.substr(0, 64) + "\"");
    }
    if (std::find(rows.begin(), rows.end(), &*found) != rows.end())
      throw Error(keys.where("members"), "each row once", "\"" + name + "\" twice");
    rows.push_back(&*found);
  }
  for (const char* key :
       {"config", "settings", "weights", "seeds", "folds", "retrain", "leave_superclasses_out"}) {
    if (keys.has(key)) throw Error(keys.where(key), "none beside members, which have theirs", "one");
  }
  const StudyRow& first = *rows.front();
  for (const StudyRow* row : rows) {
    const bool alike = row->folds == first.folds && row->seeds == first.seeds &&
                       row->retrain == first.retrain &&
                       row->leave_superclasses_out == first.leave_superclasses_out;
    if (alike) continue;
    throw Error(
        keys.where("members"),
        fmt::format("rows with seeds, folds, retrain and leave_superclasses_out as \"{}\"", first.name),
        "\"" + row->name + "\" with others");
  }
  StudyRow row;
  row.config = first.config, row.sets = first.sets;
  row.seeds = first.seeds, row.folds = first.folds;
  row.retrain = first.retrain, row.leave_superclasses_out = first.leave_superclasses_out;
  row.members = members;
  return row;
}

void check_views(const Keys& keys, const StudyRow& row) {
  try {
    parse_views(row.views);
  } catch (const Error& error) {
    throw Error(keys.where("views"), error.what());
  }
}

StudyRow read_row(const StudyPlan& plan, const StudyRow& defaults, const toml::table& table) {
  Keys keys(plan.file.string(), table);
  StudyRow row = defaults;
  const std::vector<std::string> members = keys.texts("members", "an array of names of rows");
  if (!members.empty()) {
    row = row_of_members(plan, keys, members);
    row.novelty_scores = defaults.novelty_scores;
  }
  row.name = keys.value<std::string>("name", "a text", "");
  check_name(keys, row.name);
  row.title = keys.value<std::string>("title", "a text", row.name);
  row.views = keys.value<std::string>("views", "a text", "");

  if (members.empty()) read_trainings(plan, keys, row);

  row.thresholds = keys.texts("threshold", "a rule of tern calibrate, or an array of them");
  row.scores = keys.texts("score", "a score of tern calibrate, or an array of them");
  row.consistent = keys.value("consistent", "true or false", false);
  row.compare_with = keys.value<std::string>("compare_with", "the name of a row", "");
  row.novelty_scores = keys.value("novelty_scores", "true or false", row.novelty_scores);
  row.novel_superclasses = read_novel_superclasses(keys, row);
  if (const toml::table* published = keys.table("published")) {
    Keys numbers(plan.file.string(), *published);
    row.published_super = read_published(numbers, "super");
    row.published_sub = read_published(numbers, "sub");
    numbers.check_all_known();
  }
  keys.check_all_known();
  check_thresholds(keys, row);
  check_scores(keys, row);
  check_views(keys, row);
  check_settings(plan, row);
  return row;
}

TestMix read_mix(const Keys& plan, const std::string& file, const toml::table& table) {
  Keys keys(file, table);
  TestMix mix;
  mix.seen = keys.number("seen", 0, 100, 0);
  mix.novel_subclass = keys.number("novel_subclass", 0, 100, 0);
  mix.novel_superclass = keys.number("novel_superclass", 0, 100, 0);
  keys.check_all_known();
  const double sum = mix.seen + mix.novel_subclass + mix.novel_superclass;
  if (sum < 99.5 || sum > 100.5) {
    throw Error(plan.where("test_mix_percent"), "shares that sum to 100", fmt::format("{:g}", sum));
  }
  return mix;
}

void check_rows(const StudyPlan& plan) {
  if (plan.rows.empty()) throw Error(plan.file.string(), "at least one [[row]]", "none");
  const auto count = [&plan](const std::string& name) {
    return std::count_if(plan.rows.begin(), plan.rows.end(),
                         [&](const StudyRow& row) { return row.name == name; });
  };
  for (const StudyRow& row : plan.rows) {
    const std::string where = fmt::format("{} row {}", plan.file.string(), row.name);
    if (count(row.name) > 1) throw Error(where, "a name of its own", "another row of that name");
    if (!row.compare_with.empty() && count(row.compare_with) == 0) {
      throw Error(where + " compare_with", "the name of a row", "\"" + row.compare_with.substr(0, 64) + "\"");
    }
  }
}

}  // namespace

StudyPlan read_plan(const std::filesystem::path& file) {
  const toml::table table = read_toml(file);
  Keys keys(file.string(), table);
  StudyPlan plan;
  plan.file = file;
  plan.title = keys.value<std::string>("title", "a text", file.stem().string());
  StudyRow defaults;
  defaults.seeds = keys.wholes("seeds", {42});
  defaults.folds = keys.whole("folds", 0, 100, 0);
  defaults.leave_superclasses_out = keys.value("leave_superclasses_out", "true or false", false);
  defaults.novelty_scores = keys.value("novelty_scores", "true or false", true);
  append_sets(keys.table("settings"), defaults.sets);
  if (const toml::table* mix = keys.table("test_mix_percent")) plan.mix = read_mix(keys, file.string(), *mix);
  for (const toml::table* row : keys.tables("row")) plan.rows.push_back(read_row(plan, defaults, *row));
  keys.check_all_known();
  check_rows(plan);
  return plan;
}

}  // namespace tern
