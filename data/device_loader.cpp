#include "data/device_loader.h"

#include <utility>

#include "data/rotate.h"
#include "engine/backend/elementwise.h"
#include "engine/ops/augment.h"

namespace tern {
namespace {

/// The one place where it is decided what the CPU does.
LoaderOptions for_device(LoaderOptions options, const Tensor& resident) {
  if (needs_cpu(options)) return options;  // everything: BatchImages::input
  options.images = resident.defined() ? BatchImages::softened : BatchImages::bytes;
  return options;
}

/// The network's input for each byte of each channel, [3, 256]: normalise() itself says what it is.
Tensor normalisation_table(Device device) {
  std::vector<std::uint8_t> bytes(3 * 256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i / 3);
  std::vector<float> by_byte(bytes.size());
  normalise(bytes, by_byte);
  Tensor table = Tensor::empty({3, 256});
  for (std::size_t i = 0; i < bytes.size(); ++i) table.data<float>()[i % 3 * 256 + i / 3] = by_byte[i];
  return table.to(device);
}

}  // namespace

Tensor resident_images(const Dataset& dataset, Device device) {
  if (dataset.pixels.size() > cuda_memory(device.index).free_bytes() / 2) return {};
  const std::int64_t side = dataset.image_size;
  const Shape shape{dataset.count(), side, side, 3};
  return Tensor::from(shape, std::span(dataset.pixels)).to(device);
}

DeviceLoader::DeviceLoader(const Dataset& dataset, std::vector<std::int64_t> indices, LoaderOptions options,
                           Tensor resident, Device device)
    : resident_(std::move(resident)),
      table_(normalisation_table(device)),
      device_(device),
      type_(options.type),
      is_input_(needs_cpu(options)),
      loader_(dataset, std::move(indices), for_device(std::move(options), resident_)),
      copies_(cuda_memory(device.index).make_prefetch()) {}

void DeviceLoader::start_epoch(int epoch, std::int64_t first_step) {
  if (has_ahead_ && ahead_.images.numel() > 0) {  // given up, but begun
    Tensor unused = Tensor::empty(ahead_.images.shape(), ahead_.images.dtype(), device_);
    copies_->finish(unused.raw());
  }
  has_ahead_ = false;
  loader_.start_epoch(epoch, first_step);
  fetch();
}

void DeviceLoader::fetch() {
  has_ahead_ = loader_.next(ahead_);
  if (has_ahead_ && ahead_.images.numel() > 0) copies_->begin(ahead_.images.raw(), ahead_.images.bytes());
}

bool DeviceLoader::next(Batch& batch) {
  batch = {};  // its memory is there for the next one
  if (!has_ahead_) return false;
  batch = std::move(ahead_);
  Tensor sent = Tensor::empty(batch.images.shape(), batch.images.dtype(), device_);
  if (sent.numel() > 0) copies_->finish(sent.raw());
  batch.images = is_input_ ? in_type(sent) : finish(batch, sent);
  for (const Level level : kLevels) {
    Tensor& targets = batch.targets[level];
    if (targets.defined()) targets = targets.to(device_);
  }
  fetch();
  return true;
}

Tensor DeviceLoader::in_type(const Tensor& input) const {
  if (type_ == input.dtype()) return input;
  Tensor converted = Tensor::empty(input.shape(), type_, device_);
  convert(input, converted);
  return converted;
}

/// `bytes`: the batch's own images; the others are resident.
Tensor DeviceLoader::finish(const Batch& batch, const Tensor& bytes) const {
  const int side = loader_.dataset().image_size;
  std::vector<ResidentImage> images;
  std::int64_t own = 0;
  for (std::size_t i = 0; i < batch.indices.size(); ++i) {
    const Augmentation& drawn = batch.augmentations[i];
    ResidentImage image;
    const bool is_own = !resident_.defined() || drawn.soften;
    image.images = is_own ? &bytes : &resident_;
    image.index = is_own ? own++ : batch.indices[i];
    image.flip = drawn.flip;
    if (drawn.degrees != 0) {
      image.rotation = inverse_rotation(static_cast<double>(drawn.degrees), side, side);
    }
    images.push_back(image);
  }
  Tensor input = Tensor::empty({batch.size(), side, side, 3}, type_, device_);
  augment(images, table_, input);
  return input;
}

}  // namespace tern
