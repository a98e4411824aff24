// From settings to the parts of a training: model, optimiser, schedule, loss and loaders.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "apps/run/config.h"
#include "apps/run/run_folder.h"
#include "apps/run/study_data.h"
#include "apps/train/ema.h"
#include "data/loader.h"
#include "engine/device/device.h"
#include "engine/distributed/communicator.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "models/heads.h"
#include "models/losses.h"

namespace tern {

/// Two heads are named "super_head" and "sub_head", one alone "head", as in the reference.
ModelSpec model_spec(const Config& config, Part part, const ClassTable& classes);

/// A new model with the backbone of `weights` (empty: random), frozen if the settings say so. Throws Error if
/// the device does not compute in the settings' precision.
Model make_model(const Config& config, Part part, const ClassTable& classes, const WeightSource& weights,
                 Device device);

/// Throws what make_model would throw about the file; for a check before anything is written. Returns what
/// Model::load_backbone() does.
std::string check_backbone_weights(const Config& config, const WeightSource& weights);

/// Whether the last feature map is one pixel and its batch norm is trained: a batch of a single image then
/// has one value per channel, and no variance.
bool is_single_image_too_few(const Config& config);

/// Throws Error{batch_size, ...} if an epoch of so many images would have such a batch, or a rank such a share of one: before
/// the first step, not in the last.
void check_batch_size(const Config& config, std::int64_t images, int ranks = 1);

/// Over what requires gradients: everything, or the heads.
std::unique_ptr<Optimizer> make_study_optimizer(const Config& config, const Model& model);

/// None without ema_decay.
std::unique_ptr<ModelEma> make_ema(const Config& config, const Model& model, Device device);

/// Of the part that is trained.
float base_learning_rate(const Config& config);

/// Counted in updates: `accumulate` batches each, fewer at an epoch's end.
Schedule make_schedule(const Config& config, std::int64_t batches_per_epoch);

/// 1 for each class that the training images teach. Those of the novel class teach none with outlier_exposure.
std::vector<std::uint8_t> taught_classes(const Config& config, const StudyData& data, Level level);

/// What is added to a level's logits before the loss and wherever answers are taken: with outlier_exposure it masks
/// the novel class, so that its column gets a gradient of exactly 0. Else undefined.
Tensor novel_mask(const Config& config, const ClassTable& classes, Level level, Device device);

/// The superclass of each subclass for the KL and consistency terms, [subclasses] i32; -1 is left out.
Tensor sub_to_super_map(const Config& config, const ClassTable& classes);
StudyLossOptions make_loss_options(const Config& config, const ClassTable& classes, Device device);

/// Batches on `device`: a Loader's for the CPU, else a DeviceLoader's over `resident` (data/device_loader.h).
std::unique_ptr<BatchSource> make_batches(const Dataset& dataset, const std::vector<std::int64_t>& indices,
                                          const LoaderOptions& options, Device device,
                                          const Tensor& resident = {});
LoaderOptions train_loader_options(const Config& config, Part part, const StudyData& data, Device device);
/// With the targets of training, so that the loss is the same, but nothing mixed.
LoaderOptions validation_loader_options(const Config& config, const StudyData& data, Device device);
LoaderOptions evaluation_loader_options(const Config& config, Device device);
/// The same for this rank's share of each batch.
LoaderOptions on_rank(LoaderOptions options, const Communicator& ranks);

}  // namespace tern
