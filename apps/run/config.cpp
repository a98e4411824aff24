#include "apps/run/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/common/toml_file.h"
#include "engine/core/check.h"
#include "engine/core/nearest.h"
#include "engine/io/utf8.h"

namespace tern {
namespace {

const ConfigKey& find_key(const std::string& where, const std::string& name) {
  const std::vector<ConfigKey>& keys = config_keys();
  const auto found =
      std::find_if(keys.begin(), keys.end(), [&](const auto& key) { return key.name == name; });
  if (found != keys.end()) return *found;
  std::vector<std::string> names;
  for (const ConfigKey& key : keys) names.push_back(key.name);
  throw Error(where, "a known key" + nearest_remark(name, names), name.substr(0, 64));
}

/// What a TOML node holds, for messages: "the string \"x\"".
std::string described(const toml::node& node) {
  std::string text;
  if (const auto* value = node.as_string())
    text = "the string " + value_text(value->get());
  else if (const auto* integer = node.as_integer())
    text = fmt::format("{}", integer->get());
  else if (const auto* real = node.as_floating_point())
    text = fmt::format("{}", real->get());
  else if (const auto* flag = node.as_boolean())
    text = flag->get() ? "true" : "false";
  else if (node.is_array())
    text = "an array";
  else if (node.is_table())
    text = "a table";
  else
    text = "a date or time";
  return text.substr(0, 120);
}

bool to_value(const toml::node& node, ConfigValue& value) {
  if (const auto* text = node.as_string())
    value = text->get();
  else if (const auto* integer = node.as_integer())
    value = integer->get();
  else if (const auto* real = node.as_floating_point())
    value = real->get();
  else if (const auto* flag = node.as_boolean())
    value = flag->get();
  else if (const toml::array* array = node.as_array()) {
    std::vector<std::string> texts;
    for (const toml::node& item : *array) {
      if (!item.is_string()) return false;
      texts.push_back(item.as_string()->get());
    }
    value = std::move(texts);
  } else {
    return false;
  }
  return true;
}

void set_key(Config& config, const std::string& where, const ConfigKey& key, const toml::node& node) {
  ConfigValue value;
  if (!to_value(node, value) || !key.set(config, value)) throw Error(where, key.wanted, described(node));
}

void apply_file(Config& config, const std::filesystem::path& file) {
  const toml::table table = read_toml(file);
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const std::string where =
        fmt::format("{}:{} {}", file.string(), key.source().begin.line, name.substr(0, 64));
    set_key(config, where, find_key(where, name), node);
  }
}

/// The value of "key=value" as TOML, or the text itself where it is none.
toml::table parse_set_value(const std::string& text) {
  try {
    toml::table table = toml::parse("value = " + text);
    if (table.size() == 1 && !table["value"].is_table()) return table;
  } catch (const toml::parse_error&) {
  }
  return toml::table{{"value", text}};
}

void apply_set(Config& config, const std::string& set) {
  const std::size_t equals = set.find('=');
  if (equals == std::string::npos || equals == 0) throw Error("--set", "key=value", set);
  const std::string name = set.substr(0, set.find_last_not_of(' ', equals - 1) + 1);
  const std::string where = "--set " + name.substr(0, 64);
  const ConfigKey& key = find_key(where, name);
  if (!is_utf8(set)) throw Error(where, "text in UTF-8, as a run's config.toml holds", "other bytes");
  const toml::table table = parse_set_value(set.substr(equals + 1));
  set_key(config, where, key, *table.get("value"));
}

void check_crop(const Config& config) {
  if (!config.random_resized_crop || config.crop_scale_min <= config.crop_scale_max) return;
  throw Error("crop_scale_min", fmt::format("at most crop_scale_max, which is {}", config.crop_scale_max),
              fmt::format("{}", config.crop_scale_min));
}

/// Without another image in the batch nothing would be mixed.
void check_mixing(const Config& config) {
  if (config.batch_size > 1 || (config.mixup == 0 && config.cutmix == 0)) return;
  throw Error(config.mixup > 0 ? "mixup" : "cutmix",
              "0 with batch_size = 1, where there is nothing to mix with",
              fmt::format("{}", std::max(config.mixup, config.cutmix)));
}

/// The novel column of a head is not trained: nothing may ask it.
void check_outlier_exposure(const Config& config) {
  if (config.outlier_exposure == 0) return;
  const char* const column = "with outlier_exposure, which leaves the heads' novel column untrained";
  const bool has_kl =
      (config.approach == Approach::two_heads && config.kl_alpha > 0) || config.teacher_weight > 0;
  if (has_kl && config.kl_novel_subclass == NovelSubclass::map)
    throw Error("kl_novel_subclass", fmt::format("\"leave_out\" {}", column), "\"map\"");
  if (!config.mask_untrained_logits)
    throw Error("mask_untrained_logits", fmt::format("true {}", column), "false");
  if (config.metric_counts_extra) throw Error("metric_counts_extra", fmt::format("false {}", column), "true");
}

void check_together(const Config& config) {
  if (config.approach == Approach::two_heads && config.levels != Levels::both) {
    throw Error("levels", "\"both\" with approach = \"two_heads\"",
                config.levels == Levels::super ? "\"super\"" : "\"sub\"");
  }
  if (config.teacher_weight > 0 &&
      (config.approach != Approach::two_models || config.levels != Levels::both)) {
    throw Error("teacher_weight", "0 unless approach = \"two_models\" and levels = \"both\"",
                fmt::format("{}", config.teacher_weight));
  }
  if (config.hold_out_folds == 1 ||
      (config.hold_out_folds > 1 && config.hold_out_fold > config.hold_out_folds)) {
    throw Error("hold_out_fold", "one of 1 to hold_out_folds, which is 0 or at least 2",
                fmt::format("{} of {}", config.hold_out_fold, config.hold_out_folds));
  }
  if (!config.cifar_hold_out_groups.empty() && !config.cifar_indices.empty()) {
    throw Error("cifar_hold_out_groups", "none with cifar_indices, which may hold images of any group",
                "some");
  }
  check_crop(config);
  check_mixing(config);
  check_outlier_exposure(config);
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

struct ToText {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }
  std::string operator()(double value) const {
    const std::string text = fmt::format("{}", value);  // the shortest that reads back as the same number
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  std::string operator()(const std::string& value) const { return quoted(value); }
  std::string operator()(const std::vector<std::string>& value) const {
    std::string text = "[";
    for (const std::string& item : value) text += (text.size() > 1 ? ", " : "") + quoted(item);
    return text + "]";
  }
};

/// What another number of epochs would have done otherwise from the beginning; empty for nothing.
std::string past_that_hangs_on_epochs(const Config& config) {
  if (config.schedule == Schedule::Kind::cosine)
    return "schedule = \"cosine\" spans them all, so the rates of those that are done would have been others";
  if (config.teacher_weight > 0)
    return "the subclass model's teacher is the superclass model after the last of them";
  return "";
}

}  // namespace

Config read_config(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  Config config;
  apply_file(config, file);
  for (const std::string& set : sets) apply_set(config, set);
  check_together(config);
  return config;
}

Config make_config(const std::vector<std::string>& sets, const Config& base) {
  Config config = base;
  for (const std::string& set : sets) apply_set(config, set);
  check_together(config);
  return config;
}

std::string value_text(const ConfigValue& value) {
  return std::visit(ToText{}, value);
}

std::string config_text(const Config& config) {
  std::string text = "# The settings of this run. `tern train --help-config` lists what each key may be.\n",
              group;
  for (const ConfigKey& key : config_keys()) {
    if (key.group != group) text += "\n# ---- " + key.group + "\n";
    group = key.group;
    text += fmt::format("{} = {}  # {}; {}\n", key.name, value_text(key.get(config)), key.help, key.wanted);
  }
  return text;
}

std::string config_help() {
  const Config defaults;
  std::string text = "Keys of --config FILE and of --set key=value, with their defaults:\n", group;
  for (const ConfigKey& key : config_keys()) {
    if (key.group != group) text += "\n" + key.group + "\n";
    group = key.group;
    text += fmt::format("  {} = {}\n      {}; {}\n", key.name, value_text(key.get(defaults)), key.help,
                        key.wanted);
  }
  return text;
}

void check_resumable(const Config& before, const Config& now) {
  for (const ConfigKey& key : config_keys()) {
    const std::string old_text = value_text(key.get(before)), new_text = value_text(key.get(now));
    if (old_text != new_text && !key.may_differ_on_resume) {
      throw Error("--resume " + key.name, old_text + " as in the run's config.toml", new_text);
    }
  }
  const std::string past = now.epochs == before.epochs ? "" : past_that_hangs_on_epochs(before);
  if (now.epochs < before.epochs || !past.empty()) {
    throw Error("--resume epochs",
                past.empty() ? fmt::format("at least the run's {}", before.epochs)
                             : fmt::format("{} as in the run's config.toml ({})", before.epochs, past),
                fmt::format("{}", now.epochs));
  }
}

}  // namespace tern
