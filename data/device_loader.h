// Batches that a device finishes by itself: the dataset's bytes lie in its memory (or come with each batch,
// where they do not fit), and flip, rotation and normalisation are one kernel. Where more is to be done to images
// (needs_cpu() of data/loader.h) the CPU does all of it, and the network's input is what comes. The numbers are the
// Loader's, bit by bit.
#pragma once

#include <memory>

#include "data/loader.h"
#include "engine/device/device_memory.h"

namespace tern {

/// The dataset's images on `device`, [count, S, S, 3] u8; undefined if they take more than half of what is
/// free.
Tensor resident_images(const Dataset& dataset, Device device);

class DeviceLoader final : public BatchSource {
 public:
  /// As Loader, whose workers do what is left to the CPU: softening, and copying where nothing is resident, or
  /// everything.
  /// `resident` is what resident_images() gave; the images handed out are of options.type.
  DeviceLoader(const Dataset& dataset, std::vector<std::int64_t> indices, LoaderOptions options,
               Tensor resident, Device device);

  std::int64_t batches() const override { return loader_.batches(); }
  std::int64_t images() const override { return loader_.images(); }
  void start_epoch(int epoch, std::int64_t first_step = 0) override;
  /// Images and labels are on the device; meanwhile the bytes of the batch after this one are on their way.
  bool next(Batch& batch) override;

 private:
  void fetch();
  Tensor finish(const Batch& batch, const Tensor& bytes) const;
  Tensor in_type(const Tensor& input) const;

  const Tensor resident_, table_;
  const Device device_;
  const DType type_;
  const bool is_input_;  ///< what comes is the network's input
  Loader loader_;
  std::unique_ptr<Prefetch> copies_;
  Batch ahead_;
  bool has_ahead_ = false;
};

}  // namespace tern
