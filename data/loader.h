// Batches for a network, prepared ahead by worker threads: pick, augment, normalise, mix, label.
//
// Which images make up batch k of an epoch, and what is done to them, depends on the seed and the epoch
// alone; any number of threads (none, too) gives the same bytes in the same order. What is done to an image
// hangs on its index (data/augment.h), how a batch is mixed on its step.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iterator>
#include <mutex>
#include <thread>
#include <vector>

#include "data/augment.h"
#include "data/balanced_sampler.h"
#include "data/dataset.h"
#include "data/mixup.h"
#include "data/soft_targets.h"
#include "engine/tensor/tensor.h"

namespace tern {

/// What a batch's images are.
enum class BatchImages {
  input,    ///< the network's input
  bytes,    ///< bytes, softened where that was drawn; flip, rotation and normalisation are left to a device
  softened  ///< the same, of the softened images alone: a device has the others already
};

struct LoaderOptions {
  std::int64_t batch_size = 64;
  bool shuffle = false;
  std::optional<BalancedSampler> balanced = {};  ///< instead of each image once; with shuffle
  std::uint64_t seed = 42;
  Transform transform = EvaluationTransform{};
  Mixup mixup = {};                              ///< with BatchImages::input and soft targets
  std::optional<SoftTargets> soft_targets = {};  ///< none: a batch's targets are classes
  int threads = 1;                               ///< 0: next() does the work itself
  int prefetch = 4;                              ///< batches held ready, beyond the one handed out
  bool drop_last = false;                        ///< leave out a last batch that is not full
  BatchImages images = BatchImages::input;
  DType type = DType::f32;  ///< of the images that a DeviceLoader makes, f32 or bf16; a Loader's own are f32
  int rank = 0,
      ranks = 1;  ///< each batch is this rank's share (share_of()) of one of batch_size, and may be empty
};

/// Whether the CPU must make the network's input whole: for a crop, RandAugment, erasing, mixing and custom
/// transforms.
bool needs_cpu(const LoaderOptions& options);

struct Batch {
  /// [n, S, S, 3] f32; or u8 with BatchImages::bytes, and with BatchImages::softened [m, S, S, 3] for the m
  /// softened ones in their order.
  Tensor images;
  std::vector<Augmentation> augmentations;  ///< what each image gets, unless it has got it (input)
  /// [n] i32, or with LoaderOptions::soft_targets [n, classes] f32; undefined for unlabelled images.
  ByLevel<Tensor> targets;
  /// Of the images in the dataset; of mixed ones that which has the larger share.
  std::vector<std::int64_t> indices;
  std::int64_t step = 0;  ///< of this batch in its epoch, from 0
  float share = 1;        ///< of the batch's images on all ranks together, those that are here

  std::int64_t size() const { return static_cast<std::int64_t>(indices.size()); }
};

/// Where a training gets its batches from: a Loader, or a DeviceLoader.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual std::int64_t batches() const = 0;  ///< in an epoch
  virtual std::int64_t images() const = 0;   ///< in an epoch, on all ranks
  /// Begins an epoch (at batch `first_step` when resuming), giving up what is left of the one before.
  virtual void start_epoch(int epoch, std::int64_t first_step = 0) = 0;
  /// The next batch of the epoch, or false at its end (and before the first start_epoch).
  virtual bool next(Batch& batch) = 0;
};

class Loader final : public BatchSource {
 public:
  /// `indices` select images of `dataset`, which must outlive the loader and stay as it is. Throws Error for
  /// an index outside the dataset, a dataset whose parts disagree in length, or an option out of range.
  Loader(const Dataset& dataset, std::vector<std::int64_t> indices, LoaderOptions options);
  ~Loader() override;  ///< stops the workers, in the middle of an epoch too
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  std::int64_t batches() const override { return batches_; }
  std::int64_t images() const override { return static_cast<std::int64_t>(indices_.size()); }
  const Dataset& dataset() const { return dataset_; }
  void start_epoch(int epoch, std::int64_t first_step = 0) override;

  /// Throws what a worker threw while preparing this batch; the epoch is over then. Assigning over the last
  /// batch gives its memory back, so calling this with one Batch in a loop allocates nothing from the system
  /// after the first rounds.
  bool next(Batch& batch) override;

  /// for (const Batch& batch : loader.epoch(3)) ...
  class Epoch;
  Epoch epoch(int epoch);

 private:
  /// Of the epoch's images in their order, those [begin, end) that make up a batch on all ranks, and the places of those that
  /// are looked at here: the rank's share, and after it those that are mixed into it.
  struct Places {
    std::int64_t begin, end, share;
    std::vector<std::int64_t> here;
  };
  struct Slot {
    Batch batch;
    std::exception_ptr error;
    bool ready = false;
  };

  void work(Augmenter& augmenter);
  void stop();
  Slot prepare(std::int64_t step, Augmenter& augmenter) const;
  Augmentation augmentation_of(std::int64_t place) const;
  Places places_of(std::int64_t step) const;
  void fill_targets(Batch& batch, const Places& places) const;
  void mix(Batch& batch) const;
  void fill_input(Batch& batch, const Places& places, Augmenter& augmenter) const;
  void fill_bytes(Batch& batch, const Places& places, Augmenter& augmenter) const;
  void settle(std::unique_lock<std::mutex>& lock);

  const Dataset& dataset_;
  const std::vector<std::int64_t> indices_;
  const LoaderOptions options_;
  std::int64_t batches_ = 0;
  std::vector<Augmenter> augmenters_;  ///< one a worker; with threads == 0 one for next()

  // Written by start_epoch while no worker is at work, read by all.
  std::vector<std::int64_t> order_;
  std::vector<std::uint32_t> repeats_;  ///< how often the image at each place came before; empty: never
  int epoch_ = 0;

  std::mutex mutex_;
  std::condition_variable work_arrived_, batch_ready_, workers_idle_;
  std::vector<Slot> slots_;      ///< of step s: slots_[s % slots_.size()]
  std::int64_t next_claim_ = 0;  ///< the first step that no worker has taken
  std::int64_t next_step_ = 0;   ///< the step that next() returns
  int busy_ = 0;                 ///< workers preparing a batch
  bool stopping_ = false;
  std::vector<std::thread> workers_;
};

/// One pass over a started epoch.
class Loader::Epoch {
 public:
  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    Iterator() = default;
    explicit Iterator(Epoch* epoch) : epoch_(epoch) { ++*this; }
    const Batch& operator*() const { return epoch_->batch_; }
    const Batch* operator->() const { return &epoch_->batch_; }
    Iterator& operator++() {
      if (!epoch_->loader_.next(epoch_->batch_)) epoch_ = nullptr;
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return epoch_ == nullptr; }

   private:
    Epoch* epoch_ = nullptr;
  };

  explicit Epoch(Loader& loader) : loader_(loader) {}
  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  Loader& loader_;
  Batch batch_;
};

inline Loader::Epoch Loader::epoch(int epoch) {
  start_epoch(epoch);
  return Epoch(*this);
}

}  // namespace tern
