#include "apps/train/training_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "apps/common/runtime.h"
#include "data/device_loader.h"
#include "engine/core/check.h"
#include "models/resnet.h"

namespace tern {

ModelSpec model_spec(const Config& config, Part part, const ClassTable& classes) {
  const HeadSpec super{"super_head", config.super_head, classes.superclass_count()};
  const HeadSpec sub{"sub_head", config.sub_head, classes.subclass_count()};
  ModelSpec spec;
  spec.architecture = config.backbone;
  if (part == Part::two_heads) {
    spec.heads = {super, sub};
  } else {
    spec.heads = {part == Part::super ? super : sub};
    spec.heads[0].name = "head";
  }
  return spec;
}

Model make_model(const Config& config, Part part, const ClassTable& classes, const WeightSource& weights,
                 Device device) {
  // The two models of one run start from different random numbers.
  const std::uint64_t seed = static_cast<std::uint64_t>(config.seed) + (part == Part::sub ? 1 : 0);
  Model model(model_spec(config, part, classes), Initialiser(seed, device));
  model.set_precision(config.precision);
  if (!weights.empty()) model.load_backbone(weights);
  if (config.precision == Precision::bf16 && config.fine_tune == FineTune::full) keep_bf16_weights(model);
  if (config.fine_tune == FineTune::frozen) {
    model.freeze(config.frozen_batch_norm == FrozenBatchNorm::evaluation);
  }
  return model;
}

std::string check_backbone_weights(const Config& config, const WeightSource& weights) {
  if (weights.empty()) return {};
  ModelSpec spec{config.backbone, {{"head", HeadKind::linear, 1}}};
  return Model(spec, Initialiser::zeros()).load_backbone(weights);
}

bool is_single_image_too_few(const Config& config) {
  const bool trains_norm =
      config.fine_tune == FineTune::full || config.frozen_batch_norm == FrozenBatchNorm::training;
  return trains_norm && stage_extent(config.image_size, kStages) == 1;
}

void check_batch_size(const Config& config, std::int64_t images, int ranks) {
  if (config.sync_batch_norm) ranks = 1;  // what counts is the whole batch
  const auto has_single_share = [ranks](std::int64_t size) {
    return size > 0 && (share_of(size, 0, ranks).size() == 1 || share_of(size, ranks - 1, ranks).size() == 1);
  };
  const auto leaves_one = [&](std::int64_t size) {
    return (size <= images && has_single_share(size)) || has_single_share(images % size);
  };
  if (!is_single_image_too_few(config) || !leaves_one(config.batch_size)) return;
  std::int64_t other = config.batch_size;  // the next smaller that leaves more, or the next larger
  while (other > 1 && leaves_one(other)) --other;
  while (other <= images && leaves_one(other)) ++other;
  throw Error(
      "batch_size",
      fmt::format(
          "one that leaves no image alone in a batch, which gives batch norm one value a channel "
          "at image_size {} ({}{} training images{})",
          config.image_size, leaves_one(other) ? "" : fmt::format("{}, say, of ", other), images,
          ranks > 1
              ? fmt::format(" shared among {} ranks; with sync_batch_norm = true shares do not matter", ranks)
              : ""),
      config.batch_size == 1 ? "1" : fmt::format("{}, which leaves 1", config.batch_size));
}

std::unique_ptr<Optimizer> make_study_optimizer(const Config& config, const Model& model) {
  std::vector<ParameterEntry> parameters = model.backbone_parameters();
  for (ParameterEntry& entry : model.head_parameters()) parameters.push_back(std::move(entry));
  const auto groups = make_parameter_groups(parameters, static_cast<float>(config.weight_decay),
                                            !config.decay_norm_bias_scale);
  return make_optimizer(config.optimizer, groups, static_cast<float>(config.momentum));
}

std::unique_ptr<ModelEma> make_ema(const Config& config, const Model& model, Device device) {
  if (config.ema_decay == 0) return nullptr;
  return std::make_unique<ModelEma>(model, config.precision, device, config.ema_decay);
}

float base_learning_rate(const Config& config) {
  const bool full = config.fine_tune == FineTune::full;
  return static_cast<float>(full ? config.learning_rate : config.head_learning_rate);
}

Schedule make_schedule(const Config& config, std::int64_t batches_per_epoch) {
  const std::int64_t updates = (batches_per_epoch + config.accumulate - 1) / config.accumulate;
  Schedule schedule;
  schedule.kind = config.schedule;
  schedule.warmup_steps = config.warmup_steps;
  schedule.total_steps = config.epochs * updates;
  schedule.step_every = config.step_epochs * updates;
  schedule.step_factor = static_cast<float>(config.step_factor);
  return schedule;
}

std::vector<std::uint8_t> taught_classes(const Config& config, const StudyData& data, Level level) {
  std::vector<std::uint8_t> taught = data.trained(level);
  if (config.outlier_exposure > 0) taught.at(static_cast<std::size_t>(data.dataset.classes.novel(level))) = 0;
  return taught;
}

Tensor novel_mask(const Config& config, const ClassTable& classes, Level level, Device device) {
  if (config.outlier_exposure == 0) return {};
  std::vector<std::uint8_t> kept(static_cast<std::size_t>(classes.count(level)), 1);
  kept.back() = 0;  // novel
  return logit_mask(kept).to(device);
}

Tensor sub_to_super_map(const Config& config, const ClassTable& classes) {
  std::vector<std::int32_t> map = classes.subclass_to_super;
  map.at(static_cast<std::size_t>(classes.novel_subclass())) =
      config.kl_novel_subclass == NovelSubclass::map ? classes.novel_superclass() : -1;
  return Tensor::from(Shape{classes.subclass_count()}, map);
}

StudyLossOptions make_loss_options(const Config& config, const ClassTable& classes, Device device) {
  StudyLossOptions options;
  options.cross_entropy.label_smoothing = static_cast<float>(config.label_smoothing);
  options.kl.direction = config.kl_direction;
  options.kl.detach = config.kl_detach;
  options.kl.temperature = static_cast<float>(config.kl_temperature);
  options.kl.scale_by_temperature_squared = config.kl_scale_by_temperature_squared;
  options.kl.epsilon = static_cast<float>(config.kl_epsilon);
  options.kl_weight = static_cast<float>(config.kl_alpha);
  options.consistency_weight = static_cast<float>(config.teacher_weight);
  options.sub_to_super = sub_to_super_map(config, classes).to(device);
  return options;
}

std::unique_ptr<BatchSource> make_batches(const Dataset& dataset, const std::vector<std::int64_t>& indices,
                                          const LoaderOptions& options, Device device,
                                          const Tensor& resident) {
  if (device.is_cpu()) return std::make_unique<Loader>(dataset, indices, options);
  return std::make_unique<DeviceLoader>(dataset, indices, options, resident, device);
}

namespace {

TrainTransform train_transform(const Config& config, const StudyData& data) {
  TrainTransform transform;
  transform.flip = config.flip;
  transform.rotation_degrees = static_cast<float>(config.rotation_degrees);
  // Without CIFAR images among them there is no cue to remove.
  transform.remove_blur_cue = config.remove_blur_cue && data.count_extra(data.split.train) > 0;
  if (config.random_resized_crop) {
    transform.crop = RandomResizedCrop{static_cast<float>(config.crop_scale_min),
                                       static_cast<float>(config.crop_scale_max)};
  }
  transform.rand_augment.operations = static_cast<int>(config.rand_augment);
  transform.rand_augment.magnitude = static_cast<int>(config.rand_augment_magnitude);
  transform.erasing.probability = static_cast<float>(config.random_erasing);
  transform.erasing.noise = config.random_erasing_value == ErasingValue::random;
  return transform;
}

SoftTargets soft_targets_of(const Config& config, const StudyData& data) {
  SoftTargets targets;
  targets.label_smoothing = static_cast<float>(config.label_smoothing);
  targets.outlier_weight = static_cast<float>(config.outlier_exposure);
  if (config.outlier_exposure == 0) return targets;
  for (const Level level : kLevels) targets.known[level] = taught_classes(config, data, level);
  return targets;
}

/// Of the finest level that the part tells apart. Outliers are no class.
BalancedSampler balanced_sampler(const Config& config, Part part, const ClassTable& classes) {
  BalancedSampler sampler;
  sampler.level = levels_of(part).back();
  if (config.outlier_exposure > 0) sampler.unbalanced = classes.novel(sampler.level);
  return sampler;
}

}  // namespace

LoaderOptions train_loader_options(const Config& config, Part part, const StudyData& data, Device device) {
  LoaderOptions options = validation_loader_options(config, data, device);
  options.shuffle = true;
  if (config.sampler == Sampler::balanced) {
    options.balanced = balanced_sampler(config, part, data.dataset.classes);
  }
  options.seed = static_cast<std::uint64_t>(config.seed);
  options.transform = train_transform(config, data);
  options.mixup = {static_cast<float>(config.mixup), static_cast<float>(config.cutmix)};
  if (options.mixup.on()) options.soft_targets = soft_targets_of(config, data);
  return options;
}

LoaderOptions validation_loader_options(const Config& config, const StudyData& data, Device device) {
  LoaderOptions options = evaluation_loader_options(config, device);
  if (config.outlier_exposure > 0) options.soft_targets = soft_targets_of(config, data);
  return options;
}

LoaderOptions on_rank(LoaderOptions options, const Communicator& ranks) {
  options.rank = ranks.rank();
  options.ranks = ranks.size();
  return options;
}

LoaderOptions evaluation_loader_options(const Config& config, Device device) {
  LoaderOptions options;
  options.batch_size = config.batch_size;
  if (!device.is_cpu()) options.type = activation_type(config.precision);
  options.threads = loader_threads(device);
  return options;
}

}  // namespace tern
