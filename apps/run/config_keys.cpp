// The table of keys. A key is added here and as a member of Config, nowhere else.
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <utility>

#include "apps/run/config.h"
#include "models/resnet.h"

namespace tern {
namespace {

/// The names of an enumeration's values, in the order of their declaration.
template <typename E>
struct Names;
#define TERN_NAMES(E, ...)                                          \
  template <>                                                       \
  struct Names<E> {                                                 \
    static inline const std::vector<std::string> list{__VA_ARGS__}; \
  }
TERN_NAMES(Approach, "two_heads", "two_models");
TERN_NAMES(Levels, "both", "super", "sub");
TERN_NAMES(HeadKind, "linear", "cosine", "cosine_relu_linear");
TERN_NAMES(FineTune, "full", "frozen");
TERN_NAMES(FrozenBatchNorm, "evaluation", "training");
TERN_NAMES(Precision, "fp32", "tf32", "bf16");
TERN_NAMES(Schedule::Kind, "constant", "step", "cosine");
TERN_NAMES(SplitKind, "faithful", "stratified");
TERN_NAMES(NovelSubclass, "map", "leave_out");
TERN_NAMES(LossAverage, "image", "batch");
TERN_NAMES(BestTies, "lower_loss", "first");
TERN_NAMES(Sampler, "shuffle", "balanced");
TERN_NAMES(ErasingValue, "zero", "random");
TERN_NAMES(CifarMode, "none", "small", "large");
TERN_NAMES(HierarchicalKlOptions::Direction, "implied_to_head", "head_to_implied");
TERN_NAMES(HierarchicalKlOptions::Detach, "none", "head", "implied", "both");
#undef TERN_NAMES

std::string one_of(const std::vector<std::string>& names) {
  std::string text = "one of";
  for (const std::string& name : names) text += (&name == names.data() ? " \"" : ", \"") + name + "\"";
  return text;
}

std::optional<std::size_t> index_of(const std::vector<std::string>& names, const ConfigValue& value) {
  const std::string* text = std::get_if<std::string>(&value);
  for (std::size_t i = 0; text && i < names.size(); ++i) {
    if (names[i] == *text) return i;
  }
  return std::nullopt;
}

/// Adds keys one by one under a heading.
class Table {
 public:
  void group(std::string name) { group_ = std::move(name); }

  template <typename E>
  void choice(const char* name, E Config::*member, const char* help) {
    add(
        name, one_of(Names<E>::list), help,
        [member](Config& config, const ConfigValue& value) {
          const auto index = index_of(Names<E>::list, value);
          if (index) config.*member = static_cast<E>(*index);
          return index.has_value();
        },
        [member](const Config& config) -> ConfigValue {
          return Names<E>::list[static_cast<std::size_t>(config.*member)];
        });
    keys_.back().choices = Names<E>::list;
  }

  void choice(const char* name, std::string Config::*member, std::vector<std::string> names,
              const char* help) {
    const std::string wanted = one_of(names);
    add(
        name, wanted, help,
        [member, names](Config& config, const ConfigValue& value) {
          const auto index = index_of(names, value);
          if (index) config.*member = names[*index];
          return index.has_value();
        },
        [member](const Config& config) -> ConfigValue { return config.*member; });
    keys_.back().choices = std::move(names);
  }

  void whole(const char* name, std::int64_t Config::*member, std::int64_t low, std::int64_t high,
             const char* help) {
    add(
        name, fmt::format("a whole number in [{}, {}]", low, high), help,
        [=](Config& config, const ConfigValue& value) {
          const std::int64_t* number = std::get_if<std::int64_t>(&value);
          if (!number || *number < low || *number > high) return false;
          config.*member = *number;
          return true;
        },
        [member](const Config& config) -> ConfigValue { return config.*member; });
  }

  /// In [low, high], or in [low, high) with open_end.
  void number(const char* name, double Config::*member, double low, double high, const char* help,
              bool open_end = false) {
    add(
        name, fmt::format("a number in [{:g}, {:g}{}", low, high, open_end ? ')' : ']'), help,
        [=](Config& config, const ConfigValue& value) {
          double number = NAN;
          if (const double* real = std::get_if<double>(&value)) number = *real;
          if (const auto* integer = std::get_if<std::int64_t>(&value)) number = static_cast<double>(*integer);
          const bool inside = number >= low && (open_end ? number < high : number <= high);  // false for NaN
          if (inside) config.*member = number;
          return inside;
        },
        [member](const Config& config) -> ConfigValue { return config.*member; });
  }

  template <typename T>  // bool, std::string, std::vector<std::string>: any value of the type
  void any(const char* name, T Config::*member, const char* wanted, const char* help) {
    add(
        name, wanted, help,
        [member](Config& config, const ConfigValue& value) {
          const T* wanted_type = std::get_if<T>(&value);
          if (wanted_type) config.*member = *wanted_type;
          return wanted_type != nullptr;
        },
        [member](const Config& config) -> ConfigValue { return config.*member; });
  }
  void flag(const char* name, bool Config::*member, const char* help) {
    any(name, member, "true or false", help);
    keys_.back().choices = {"true", "false"};
  }

  void last_may_differ_on_resume() { keys_.back().may_differ_on_resume = true; }
  std::vector<ConfigKey> take() { return std::move(keys_); }

 private:
  void add(const char* name, std::string wanted, const char* help,
           std::function<bool(Config&, const ConfigValue&)> set,
           std::function<ConfigValue(const Config&)> get) {
    keys_.push_back({name, group_, std::move(wanted), help, false, std::move(set), std::move(get)});
  }

  std::string group_;
  std::vector<ConfigKey> keys_;
};

constexpr std::int64_t kMaxSteps = 1'000'000'000;

void add_model_keys(Table& table) {
  table.group("Model");
  table.choice("approach", &Config::approach,
               "two heads on one backbone with a KL term (A), or a model for each level (B, C)");
  table.choice("levels", &Config::levels, "with two_models: which of the two models to train");
  table.choice("backbone", &Config::backbone, resnet_names(), "the network below the heads");
  table.choice("super_head", &Config::super_head, "the superclass head");
  table.choice("sub_head", &Config::sub_head, "the subclass head");
  table.choice("fine_tune", &Config::fine_tune, "train everything, or the heads on a frozen backbone");
  table.choice("frozen_batch_norm", &Config::frozen_batch_norm,
               "a frozen backbone's batch norm; the reference leaves it in training mode, so it drifts");
  table.choice("precision", &Config::precision,
               "of products and of the backbone's activations: tf32 and bf16 are faster and less exact; tf32 "
               "needs a GPU, bf16 a "
               "GPU or a CPU with AVX512_BF16 or AMX");
}

/// What a GPU's augmentation kernel does not do: the CPU then makes the batches.
void add_strong_augmentation_keys(Table& table) {
  table.flag("random_resized_crop", &Config::random_resized_crop,
             "train on a random part of each image, resized to image_size; ratio 3/4 to 4/3");
  table.number(
      "crop_scale_min", &Config::crop_scale_min, 0.01, 1,
      "random_resized_crop: the part's area is uniform between this of the image's and crop_scale_max");
  table.number("crop_scale_max", &Config::crop_scale_max, 0.01, 1, "random_resized_crop: the largest part");
  table.whole("rand_augment", &Config::rand_augment, 0, 16,
              "RandAugment operations for each image, 0: none; torchvision's default is 2");
  table.whole("rand_augment_magnitude", &Config::rand_augment_magnitude, 0, 30,
              "rand_augment: how strong they are");
  table.number("random_erasing", &Config::random_erasing, 0, 1,
               "probability of wiping out a rectangle, 2 to 33 % of the image, after normalising");
  table.choice("random_erasing_value", &Config::random_erasing_value,
               "random_erasing: what comes there, 0 or normal noise");
  table.number(
      "mixup", &Config::mixup, 0, 100,
      "alpha: blend each image and its targets with another's by Beta(alpha, alpha), drawn for each batch");
  table.number(
      "cutmix", &Config::cutmix, 0, 100,
      "alpha: put a rectangle of another image in, likewise; with mixup too, either for half of the batches");
}

void add_data_keys(Table& table) {
  table.group("Data");
  table.whole("image_size", &Config::image_size, 8, 1024, "pixels a side of the network's input");
  table.choice("cifar", &Config::cifar, "CIFAR-100 images as the novel class: none, 1,000 or 5,000");
  table.whole("cifar_count", &Config::cifar_count, 0, 50000, "this many of them instead; 0: as `cifar` says");
  table.whole("cifar_seed", &Config::cifar_seed, 0, INT64_MAX, "seed of their selection");
  table.any("cifar_exclude_groups", &Config::cifar_exclude_groups, "an array of strings",
            "coarse or fine class names to leave out, for example [\"fish\"]; reptiles are always out");
  table.any("cifar_hold_out_groups", &Config::cifar_hold_out_groups, "an array of strings",
            "class names that are never trained on, to measure how a novel superclass is found");
  table.whole("cifar_hold_out_count", &Config::cifar_hold_out_count, 2, 50000, "images of those groups");
  table.any("cifar_indices", &Config::cifar_indices, "a string",
            "a file with the record numbers to take; empty: tern's own choice");
  table.choice("split", &Config::split, "the reference's split to the row, or one stratified by subclass");
  table.number("validation_fraction", &Config::validation_fraction, 0.001, 0.9,
               "of the images that are not held out");
  table.flag("hold_out", &Config::hold_out,
             "hold subclasses out of training as pseudo-novel ones, to tune the thresholds");
  table.number("hold_out_fraction", &Config::hold_out_fraction, 0.001, 0.9, "of the subclasses");
  table.whole("hold_out_folds", &Config::hold_out_folds, 0, 1000,
              "deal the subclasses into this many folds and hold one out; 0: a random fraction");
  table.whole("hold_out_fold", &Config::hold_out_fold, 1, 1000, "which of the folds");
  table.any("hold_out_superclass", &Config::hold_out_superclass, "a string",
            "a superclass that is never trained on and taken for novel; empty: none");
  table.whole("split_seed", &Config::split_seed, -1, INT64_MAX,
              "seed of the split; -1: as the reference, 123 with held-out classes and 42 without");
  table.group("Augmentation, in training only");
  table.flag("flip", &Config::flip, "mirror with probability one half");
  table.number("rotation_degrees", &Config::rotation_degrees, 0, 180, "turn by a uniform angle in +- this");
  table.flag("remove_blur_cue", &Config::remove_blur_cue,
             "soften and re-encode images so that upsampled CIFAR images do not stand out; acts with CIFAR");
  add_strong_augmentation_keys(table);
}

void add_optimisation_keys(Table& table) {
  table.group("Optimisation");
  table.whole("epochs", &Config::epochs, 1, 100000, "passes over the training images");
  table.last_may_differ_on_resume();
  table.whole("batch_size", &Config::batch_size, 1, 65536, "images a step");
  table.whole("accumulate", &Config::accumulate, 1, 65536, "batches whose gradients make one update");
  table.choice(
      "sampler", &Config::sampler,
      "an epoch is every image once, or as many draws with each class of the model's finest level as likely");
  table.choice("optimizer", &Config::optimizer, {"adam", "adamw", "sgd"},
               "adam couples the weight decay as L2, adamw does not");
  table.number("learning_rate", &Config::learning_rate, 0, 1e3, "with fine_tune = \"full\"");
  table.number("head_learning_rate", &Config::head_learning_rate, 0, 1e3, "with fine_tune = \"frozen\"");
  table.number("momentum", &Config::momentum, 0, 1, "of sgd", true);
  table.number("weight_decay", &Config::weight_decay, 0, 1e3, "of convolutions and heads");
  table.flag("decay_norm_bias_scale", &Config::decay_norm_bias_scale,
             "decay normalisation parameters, biases and cosine scales too, as the reference does");
  table.choice("schedule", &Config::schedule, "how the learning rate moves after the warm-up");
  table.whole("warmup_steps", &Config::warmup_steps, 0, kMaxSteps, "updates of linear warm-up");
  table.whole("step_epochs", &Config::step_epochs, 1, 100000, "schedule step: epochs between the steps");
  table.number("step_factor", &Config::step_factor, 0, 1, "schedule step: the rate is multiplied by this");
  table.number("clip_norm", &Config::clip_norm, 0, 1e9, "largest norm of all gradients together; 0: any");
  table.number("ema_decay", &Config::ema_decay, 0, 1,
               "validate and save the moving average of weights and batch norm statistics; an update keeps "
               "this much; 0: none",
               true);
  table.whole("patience", &Config::patience, 0, 100000,
              "stop after this many epochs in a row without a new best validation score; 0: never");
  table.whole("seed", &Config::seed, 0, INT64_MAX, "of initialisation, shuffling and augmentation");
}

void add_rank_keys(Table& table) {
  table.group("Several ranks (docs/distributed.md)");
  table.flag(
      "sync_batch_norm", &Config::sync_batch_norm,
      "batch norm by the statistics of the whole batch; else each rank goes by its share, as PyTorch's DDP");
  table.flag("shard_optimizer", &Config::shard_optimizer,
             "part the optimiser's state among the ranks (ZeRO-1): less memory, the same bytes");
  table.last_may_differ_on_resume();
  table.whole("bucket_mib", &Config::bucket_mib, 1, 1024, "MiB of gradients that are sent together");
  table.last_may_differ_on_resume();
  table.whole("rank_patience_seconds", &Config::rank_patience_seconds, 1, 86400,
              "how long ranks wait for one that gives no answer before all end");
  table.last_may_differ_on_resume();
}

void add_loss_keys(Table& table) {
  table.group("Loss");
  table.number("label_smoothing", &Config::label_smoothing, 0, 1, "of the cross-entropies", true);
  table.number("kl_alpha", &Config::kl_alpha, 0, 1e3, "two_heads: weight of the KL between the levels");
  table.choice("kl_direction", &Config::kl_direction,
               "KL(implied || head), or KL(head || implied) as the reference's first notebook");
  table.choice("kl_detach", &Config::kl_detach, "the side of the KL that gets no gradient");
  table.number("kl_temperature", &Config::kl_temperature, 1e-3, 1e3, "divides both sides' logits");
  table.flag("kl_scale_by_temperature_squared", &Config::kl_scale_by_temperature_squared,
             "multiply the KL by the temperature squared, so that gradients keep their size");
  table.number("kl_epsilon", &Config::kl_epsilon, 0, 1e-2, "keeps the logarithm finite");
  table.choice("kl_novel_subclass", &Config::kl_novel_subclass,
               "add the novel subclass to the novel superclass, or leave it out and renormalise");
  table.number(
      "teacher_weight", &Config::teacher_weight, 0, 1e3,
      "two_models: weight of KL(superclass model || implied) for the subclass model; 0.2 in the study");
  table.number("outlier_exposure", &Config::outlier_exposure, 0, 1e3,
               "teach that images of the novel class are of no known class, all as likely, with this weight, "
               "instead of "
               "a class of their own; Hendrycks' is 0.5; 0: off");
}

void add_metric_keys(Table& table) {
  table.group("Metrics and thresholds");
  table.choice("loss_average", &Config::loss_average,
               "an epoch's loss weights images equally, or batches as the reference does");
  table.flag("metric_counts_extra", &Config::metric_counts_extra,
             "the accuracy that chooses the best checkpoint counts CIFAR images, as the reference does");
  table.choice("best_ties", &Config::best_ties,
               "of equally accurate checkpoints keep the lower loss, or the first");
  table.number("tau_super", &Config::tau_super, 0, 1,
               "evaluate and predict: novel where the largest superclass probability is below");
  table.last_may_differ_on_resume();
  table.number("tau_sub", &Config::tau_sub, 0, 1, "the same for subclasses");
  table.last_may_differ_on_resume();
  table.flag("mask_untrained_logits", &Config::mask_untrained_logits,
             "evaluate and predict: leave classes that were never trained out of the softmax");
  table.last_may_differ_on_resume();
}

std::vector<ConfigKey> make_keys() {
  Table table;
  add_model_keys(table);
  add_data_keys(table);
  add_optimisation_keys(table);
  add_rank_keys(table);
  add_loss_keys(table);
  add_metric_keys(table);
  return table.take();
}

}  // namespace

const std::vector<ConfigKey>& config_keys() {
  static const std::vector<ConfigKey> keys = make_keys();
  return keys;
}

}  // namespace tern
