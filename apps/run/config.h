// The settings of one training run: a flat TOML file, every key optional, `--set key=value` on top.
//
// One table (config_keys.cpp) describes each key: name, type, default, range, help. It drives reading,
// checking, writing and `tern train --help-config`. The defaults are the corrected settings of the study;
// apps/configs/*_faithful.toml hold those that reproduce the reference.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "data/cifar100.h"
#include "engine/ops/hierarchical_kl.h"
#include "engine/optim/schedule.h"
#include "models/heads.h"
#include "models/precision.h"

namespace tern {

enum class Approach { two_heads, two_models };
enum class Levels { both, super, sub };
enum class FineTune { full, frozen };
enum class FrozenBatchNorm { evaluation, training };
enum class SplitKind { faithful, stratified };
enum class NovelSubclass { map, leave_out };
enum class LossAverage { image, batch };
enum class BestTies { lower_loss, first };
enum class Sampler { shuffle, balanced };
enum class ErasingValue { zero, random };

struct Config {
  // Model
  Approach approach = Approach::two_heads;
  Levels levels = Levels::both;
  std::string backbone = "resnet18";
  HeadKind super_head = HeadKind::linear;
  HeadKind sub_head = HeadKind::linear;
  FineTune fine_tune = FineTune::full;
  FrozenBatchNorm frozen_batch_norm = FrozenBatchNorm::evaluation;
  Precision precision = Precision::fp32;

  // Data
  std::int64_t image_size = 64;
  CifarMode cifar = CifarMode::none;
  std::int64_t cifar_count = 0;
  std::int64_t cifar_seed = 42;
  std::vector<std::string> cifar_exclude_groups;
  std::vector<std::string> cifar_hold_out_groups;
  std::int64_t cifar_hold_out_count = 500;
  std::string cifar_indices;
  SplitKind split = SplitKind::stratified;
  double validation_fraction = 0.1;
  bool hold_out = false;
  double hold_out_fraction = 0.15;
  std::int64_t hold_out_folds = 0;
  std::int64_t hold_out_fold = 1;
  std::string hold_out_superclass;
  std::int64_t split_seed = -1;

  // Augmentation
  bool flip = true;
  double rotation_degrees = 10;
  bool remove_blur_cue = true;
  bool random_resized_crop = false;
  double crop_scale_min = 0.08;
  double crop_scale_max = 1;
  std::int64_t rand_augment = 0;
  std::int64_t rand_augment_magnitude = 9;
  double random_erasing = 0;
  ErasingValue random_erasing_value = ErasingValue::zero;
  double mixup = 0;
  double cutmix = 0;

  // Optimisation
  std::int64_t epochs = 15;
  std::int64_t batch_size = 64;
  std::int64_t accumulate = 1;
  Sampler sampler = Sampler::shuffle;
  std::string optimizer = "adam";
  double learning_rate = 1e-4;
  double head_learning_rate = 1e-2;
  double momentum = 0.9;
  double weight_decay = 1e-4;
  bool decay_norm_bias_scale = false;
  Schedule::Kind schedule = Schedule::Kind::constant;
  std::int64_t warmup_steps = 0;
  std::int64_t step_epochs = 5;
  double step_factor = 0.1;
  double clip_norm = 0;
  double ema_decay = 0;
  std::int64_t patience = 0;
  std::int64_t seed = 42;

  // Several ranks
  bool sync_batch_norm = false;
  bool shard_optimizer = false;
  std::int64_t bucket_mib = 4;
  std::int64_t rank_patience_seconds = 60;

  // Loss
  double label_smoothing = 0;
  double kl_alpha = 0.1;
  HierarchicalKlOptions::Direction kl_direction = HierarchicalKlOptions::Direction::implied_to_head;
  HierarchicalKlOptions::Detach kl_detach = HierarchicalKlOptions::Detach::none;
  double kl_temperature = 1;
  bool kl_scale_by_temperature_squared = true;
  double kl_epsilon = 1e-8;
  NovelSubclass kl_novel_subclass = NovelSubclass::leave_out;
  double teacher_weight = 0;
  double outlier_exposure = 0;

  // Metrics and thresholds
  LossAverage loss_average = LossAverage::image;
  bool metric_counts_extra = false;
  BestTies best_ties = BestTies::lower_loss;
  double tau_super = 0.99;
  double tau_sub = 0.85;
  bool mask_untrained_logits = true;
};

/// A value as TOML has it. Arrays hold strings only: no key needs others.
using ConfigValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

struct ConfigKey {
  std::string name;
  std::string group;   ///< "Model", "Data", ...: a heading in what is written
  std::string wanted;  ///< "a number in [0, 1]": the end of an error message
  std::string help;    ///< one line
  bool may_differ_on_resume = false;
  /// Sets the member; false if the value is of another type or out of range.
  std::function<bool(Config&, const ConfigValue&)> set;
  std::function<ConfigValue(const Config&)> get;
  std::vector<std::string> choices = {};  ///< all values, of a key that has few
};

/// Every key, in the order in which they are written.
const std::vector<ConfigKey>& config_keys();

/// Reads `file`, then applies the `--set` texts "key=value" in order. A value is read as TOML and, if it is
/// none, taken as a string: --set backbone=resnet50. Throws Error: {file:line key} or {--set key} for unknown
/// keys (with the nearest known one), wrong types, values out of range, contradicting keys; {file:line} for
/// what is no TOML.
Config read_config(const std::filesystem::path& file, const std::vector<std::string>& sets = {});

/// `base` with `sets` applied.
Config make_config(const std::vector<std::string>& sets, const Config& base = {});

/// The settings as TOML, each with its help and range as a comment; read_config gives the same back.
std::string config_text(const Config& config);

/// A key's value as TOML.
std::string value_text(const ConfigValue& value);

/// For `tern train --help-config`: each key with its default, its range and its meaning.
std::string config_help();

/// Throws Error{key, ...} if a run with `before` may not go on with `now`. Nothing may change what is done
/// already: all keys must be equal, but those that do not enter the training may differ, and epochs may grow
/// where the first ones are the same in a longer training.
void check_resumable(const Config& before, const Config& now);

}  // namespace tern
