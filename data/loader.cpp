// Workers claim steps in order, each prepares its batch alone and puts it in the slot of its step; next()
// takes the slots in order. A step is claimed only when its slot is free, which bounds the memory.
#include "data/loader.h"

#include <algorithm>
#include <string>
#include <system_error>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "engine/distributed/communicator.h"

namespace tern {
namespace {

void check_option(const char* name, std::int64_t value, std::int64_t low, std::int64_t high) {
  if (value < low || value > high) {
    throw Error(std::string("loader: ") + name, std::to_string(low) + ".." + std::to_string(high),
                std::to_string(value));
  }
}

void check_dataset(const Dataset& dataset) {
  check_option("image_size", dataset.image_size, 1, 4096);
  const std::size_t count = dataset.names.size();
  const auto fits = [count](std::size_t size) { return size == 0 || size == count; };
  if (dataset.pixels.size() != count * dataset.image_bytes() || !fits(dataset.superclasses.size()) ||
      !fits(dataset.subclasses.size()) || !fits(dataset.is_extra.size())) {
    throw Error("loader", "pixels and labels for " + std::to_string(count) + " images",
                std::to_string(dataset.pixels.size()) + " bytes of pixels, " +
                    std::to_string(dataset.superclasses.size()) + " and " +
                    std::to_string(dataset.subclasses.size()) + " labels");
  }
}

Tensor labels_of(const std::vector<std::int32_t>& labels, std::span<const std::int64_t> indices) {
  if (labels.empty()) return {};
  Tensor tensor = Tensor::empty({static_cast<std::int64_t>(indices.size())}, DType::i32);
  std::int32_t* to = tensor.data<std::int32_t>();
  for (const std::int64_t index : indices) *to++ = labels[static_cast<std::size_t>(index)];
  return tensor;
}

/// Those rows of [rows, classes] f32.
Tensor rows_of(const Tensor& values, std::span<const std::int64_t> rows) {
  const std::int64_t width = values.size(1);
  Tensor chosen = Tensor::empty({static_cast<std::int64_t>(rows.size()), width});
  float* to = chosen.data<float>();
  for (const std::int64_t row : rows) to = std::copy_n(values.data<float>() + row * width, width, to);
  return chosen;
}

void check_transform_and_targets(const Dataset& dataset, const LoaderOptions& options) {
  if (const auto* train = std::get_if<TrainTransform>(&options.transform)) {
    check_transform(*train);
  }
  check(options.images == BatchImages::input || !needs_cpu(options), "loader: transform",
        "mirroring, turning and softening alone for batches of bytes", "others");
  check(!options.mixup.on() || options.soft_targets, "loader: mixup", "soft targets, which can be mixed",
        "classes");
  if (options.balanced) {
    check(options.shuffle && !dataset.labels(options.balanced->level).empty(), "loader: balanced",
          "shuffled images with labels", "others");
  }
}

}  // namespace

bool needs_cpu(const LoaderOptions& options) {
  if (const auto* train = std::get_if<TrainTransform>(&options.transform)) {
    return options.mixup.on() || needs_cpu(*train);
  }
  const auto* evaluation = std::get_if<EvaluationTransform>(&options.transform);
  return options.mixup.on() || evaluation == nullptr || needs_cpu(evaluation->view);
}

Loader::Loader(const Dataset& dataset, std::vector<std::int64_t> indices, LoaderOptions options)
    : dataset_(dataset), indices_(std::move(indices)), options_(std::move(options)) {
  check_dataset(dataset);
  check_option("batch_size", options_.batch_size, 1, 1 << 20);
  check_option("threads", options_.threads, 0, 256);
  check_option("prefetch", options_.prefetch, 1, 1024);
  check_option("ranks", options_.ranks, 1, 1 << 20);
  check_option("rank", options_.rank, 0, options_.ranks - 1);
  for (const std::int64_t index : indices_) check_option("image index", index, 0, dataset.count() - 1);
  check_transform_and_targets(dataset, options_);
  const std::int64_t rest = options_.drop_last ? 0 : options_.batch_size - 1;
  batches_ = (images() + rest) / options_.batch_size;
  next_claim_ = next_step_ = batches_;

  const int threads = options_.threads;
  slots_.resize(static_cast<std::size_t>(std::max(options_.prefetch, threads)));
  augmenters_.assign(static_cast<std::size_t>(std::max(threads, 1)), Augmenter(dataset.image_size));
  try {
    for (int i = 0; i < threads; ++i) workers_.emplace_back([this, i] { work(augmenters_[i]); });
  } catch (const std::system_error& error) {
    stop();
    throw Error("loader", std::to_string(threads) + " threads", error.what());
  }
}

Loader::~Loader() {
  stop();
}

void Loader::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  work_arrived_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void Loader::start_epoch(int epoch, std::int64_t first_step) {
  check_option("epoch", epoch, 0, std::int64_t{1} << 30);
  check_option("first step", first_step, 0, batches_);
  std::unique_lock lock(mutex_);
  settle(lock);
  order_ = indices_;
  if (options_.balanced) {
    RandomStream random(options_.seed, random_purpose::sample, static_cast<std::uint32_t>(epoch));
    order_ = draw_balanced(indices_, dataset_.labels(options_.balanced->level), options_.balanced->unbalanced,
                           random);
    repeats_ = count_repeats(order_);
  } else if (options_.shuffle) {
    RandomStream(options_.seed, random_purpose::shuffle, static_cast<std::uint32_t>(epoch)).shuffle(order_);
  }
  epoch_ = epoch;
  next_claim_ = next_step_ = first_step;
  work_arrived_.notify_all();
}

/// Ends the epoch: no step is claimed any more, no worker is at work, no slot is filled.
void Loader::settle(std::unique_lock<std::mutex>& lock) {
  next_claim_ = batches_;
  workers_idle_.wait(lock, [this] { return busy_ == 0; });
  for (Slot& slot : slots_) slot = {};
  next_step_ = batches_;
}

bool Loader::next(Batch& batch) {
  batch = {};  // its memory is there for the next one
  std::unique_lock lock(mutex_);
  if (next_step_ >= batches_) return false;
  Slot& slot = slots_[static_cast<std::size_t>(next_step_) % slots_.size()];
  if (options_.threads == 0) {
    slot = prepare(next_step_, augmenters_.front());
  } else {
    batch_ready_.wait(lock, [&slot] { return slot.ready; });
  }
  if (slot.error) {
    const std::exception_ptr error = slot.error;
    settle(lock);
    std::rethrow_exception(error);
  }
  batch = std::move(slot.batch);
  slot = {};
  ++next_step_;
  work_arrived_.notify_one();
  return true;
}

void Loader::work(Augmenter& augmenter) {
  std::unique_lock lock(mutex_);
  while (true) {
    work_arrived_.wait(lock, [this] {
      const std::int64_t window = next_step_ + static_cast<std::int64_t>(slots_.size());
      return stopping_ || next_claim_ < std::min(batches_, window);
    });
    if (stopping_) return;
    const std::int64_t step = next_claim_++;
    ++busy_;
    lock.unlock();
    Slot done = prepare(step, augmenter);
    lock.lock();
    --busy_;
    slots_[static_cast<std::size_t>(step) % slots_.size()] = std::move(done);
    batch_ready_.notify_one();
    if (busy_ == 0) workers_idle_.notify_all();
  }
}

Loader::Slot Loader::prepare(std::int64_t step, Augmenter& augmenter) const {
  Slot slot;
  slot.ready = true;
  try {
    const Places places = places_of(step);
    Batch& batch = slot.batch;
    batch.step = step;
    batch.share = static_cast<float>(places.share) / static_cast<float>(places.end - places.begin);
    for (const std::int64_t place : places.here) {
      batch.indices.push_back(order_[static_cast<std::size_t>(place)]);
    }
    fill_targets(batch, places);
    options_.images == BatchImages::input ? fill_input(batch, places, augmenter)
                                          : fill_bytes(batch, places, augmenter);
    if (options_.mixup.on()) mix(batch);
    if (places.share == batch.size()) return slot;
    batch.indices.resize(static_cast<std::size_t>(places.share));
    batch.images = batch.images.rows(0, places.share);
    for (const Level level : kLevels) {
      Tensor& targets = batch.targets[level];
      if (targets.defined()) targets = targets.rows(0, places.share);
    }
  } catch (...) {
    slot.error = std::current_exception();
  }
  return slot;
}

Loader::Places Loader::places_of(std::int64_t step) const {
  const std::int64_t begin = step * options_.batch_size,
                     end = std::min(begin + options_.batch_size, images());
  const Share share = share_of(end - begin, options_.rank, options_.ranks);
  Places places{begin, end, share.size(), {}};
  for (std::int64_t i = share.begin; i < share.end; ++i) places.here.push_back(begin + i);
  if (!options_.mixup.on() || options_.ranks == 1) return places;
  // A batch's i-th image from the front is mixed with the i-th from its end. Behind the share, those of its images in reversed
  // order: seen so, the share and they are a batch of their own.
  for (std::int64_t i = share.end - 1; i >= share.begin; --i) places.here.push_back(end - 1 - i);
  return places;
}

void Loader::fill_targets(Batch& batch, const Places& places) const {
  const std::span<const std::int64_t> whole(order_.begin() + places.begin, order_.begin() + places.end);
  for (const Level level : kLevels) {
    const std::vector<std::int32_t>& labels = dataset_.labels(level);
    Tensor& targets = batch.targets[level];
    targets = labels_of(labels, options_.soft_targets ? whole : batch.indices);
    if (!options_.soft_targets || !targets.defined()) continue;
    // An image's weight hangs on the others in the batch, on other ranks too.
    targets = soft_targets(targets.to_vector<std::int32_t>(), dataset_.classes.count(level),
                           *options_.soft_targets, options_.soft_targets->known[level]);
    if (options_.ranks == 1) continue;
    std::vector<std::int64_t> rows = places.here;
    for (std::int64_t& row : rows) row -= places.begin;
    targets = rows_of(targets, rows);
  }
}

/// Of an image at its place in the epoch.
Augmentation Loader::augmentation_of(std::int64_t place) const {
  if (const auto* evaluation = std::get_if<EvaluationTransform>(&options_.transform)) return evaluation->view;
  const auto* train = std::get_if<TrainTransform>(&options_.transform);
  if (train == nullptr) return {};
  const auto at = static_cast<std::size_t>(place);
  const std::int64_t index = order_[at];
  const bool is_extra = !dataset_.is_extra.empty() && dataset_.is_extra[static_cast<std::size_t>(index)] != 0;
  return draw_augmentation(*train, {options_.seed, epoch_, index, is_extra, dataset_.image_size,
                                    repeats_.empty() ? 0 : repeats_[at]});
}

/// Rows with less than half of their own image are called by the other one.
void Loader::mix(Batch& batch) const {
  RandomStream random(options_.seed, random_purpose::mix, static_cast<std::uint32_t>(epoch_),
                      static_cast<std::uint32_t>(batch.step));
  const DrawnMix drawn = draw_mix(options_.mixup, dataset_.image_size, random);
  const auto values_of = [](Tensor& tensor) {
    return std::span(tensor.data<float>(), static_cast<std::size_t>(tensor.numel()));
  };
  mix_images(values_of(batch.images), batch.size(), dataset_.image_size, drawn);
  for (const Level level : kLevels) {
    if (batch.targets[level].defined())
      blend_rows(values_of(batch.targets[level]), batch.size(), drawn.share);
  }
  if (drawn.share < 0.5f) std::reverse(batch.indices.begin(), batch.indices.end());
}

void Loader::fill_input(Batch& batch, const Places& places, Augmenter& augmenter) const {
  const std::int64_t side = dataset_.image_size;
  batch.images = Tensor::empty({batch.size(), side, side, 3});
  std::span<float> row(batch.images.data<float>(), dataset_.image_bytes());
  for (const std::int64_t place : places.here) {
    const std::int64_t index = order_[static_cast<std::size_t>(place)];
    const std::span<const std::uint8_t> image = dataset_.image(index);
    if (const auto* custom = std::get_if<CustomTransform>(&options_.transform)) {
      (*custom)(image, dataset_.image_size, index, epoch_, row);
    } else {
      augmenter.run(image, augmentation_of(place), row);
    }
    row = {row.data() + row.size(), row.size()};
  }
}

void Loader::fill_bytes(Batch& batch, const Places& places, Augmenter& augmenter) const {
  for (const std::int64_t place : places.here) batch.augmentations.push_back(augmentation_of(place));
  const bool all = options_.images == BatchImages::bytes;
  const auto softened = std::count_if(batch.augmentations.begin(), batch.augmentations.end(),
                                      [](const Augmentation& drawn) { return drawn.soften; });
  const std::int64_t side = dataset_.image_size;
  batch.images = Tensor::empty({all ? batch.size() : softened, side, side, 3}, DType::u8);
  std::uint8_t* row = batch.images.data<std::uint8_t>();
  for (std::size_t i = 0; i < batch.indices.size(); ++i) {
    const Augmentation& drawn = batch.augmentations[i];
    if (!all && !drawn.soften) continue;
    std::span<const std::uint8_t> image = dataset_.image(batch.indices[i]);
    if (drawn.soften) image = augmenter.soften(image, drawn.scale, drawn.quality);
    row = std::copy(image.begin(), image.end(), row);
  }
}

}  // namespace tern
