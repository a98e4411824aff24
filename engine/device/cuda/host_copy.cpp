#include "engine/device/cuda/host_copy.h"

#include <algorithm>
#include <cstring>

#include "engine/device/cuda/check.h"
#include "engine/device/cuda/cuda_device.h"
#include "engine/device/device_memory.h"

namespace tern {
namespace {

int make_current(int device_index) {
  cuda_device(device_index).make_current();
  return device_index;
}

}  // namespace

PinnedBuffer::PinnedBuffer(std::size_t bytes) : bytes_(bytes) {
  void* data = nullptr;
  check_cuda(cudaHostAlloc(&data, bytes, cudaHostAllocDefault), "cudaHostAlloc (pinned host memory)");
  data_ = static_cast<std::byte*>(data);
}

PinnedBuffer::~PinnedBuffer() {
  cudaFreeHost(data_);
}

void HostCopies::copy(void* to, const void* host, std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  auto* target = static_cast<std::byte*>(to);
  const auto* source = static_cast<const std::byte*>(host);
  while (bytes > 0) {
    if (slots_[current_] == nullptr) slots_[current_] = std::make_unique<Slot>();
    const std::size_t part = std::min(bytes, kSlotBytes - used_);
    std::byte* const staged = slots_[current_]->memory.data() + used_;
    std::memcpy(staged, source, part);
    check_cuda(cudaMemcpyAsync(target, staged, part, cudaMemcpyHostToDevice, stream_), "cudaMemcpyAsync");
    used_ += part;
    target += part;
    source += part;
    bytes -= part;
    if (used_ == kSlotBytes) next_slot();
  }
}

void HostCopies::next_slot() {
  slots_[current_]->emptied.record(stream_);
  current_ = (current_ + 1) % slots_.size();
  used_ = 0;
  if (slots_[current_] != nullptr) slots_[current_]->emptied.synchronize();
}

// The stream and the events after it belong to the current device.
PrefetchedCopy::PrefetchedCopy(int device_index) : device_index_(make_current(device_index)) {}

PrefetchedCopy::~PrefetchedCopy() {
  if (on_device_ == nullptr) return;
  // The block goes back to a cache in the order of the device's stream, which knows nothing of the copies'.
  cudaStreamSynchronize(copies_.get());
  cuda_memory(device_index_).free(on_device_, capacity_);
}

void PrefetchedCopy::begin(const void* host, std::size_t bytes) {
  if (begun_) throw Error("prefetched copy", "finish() before another begin()", "none");
  CudaDevice& device = cuda_device(device_index_);
  device.make_current();
  arrived_.synchronize();  // the last copy out of the pinned buffer, most likely done long ago
  if (bytes > capacity_) {
    DeviceMemory& memory = cuda_memory(device_index_);
    if (on_device_ != nullptr) memory.free(on_device_, capacity_);
    capacity_ = 0;
    on_device_ = nullptr;
    const std::size_t capacity = bytes + bytes / 4;  // batches differ, and pinned memory is slow to get
    pinned_ = std::make_unique<PinnedBuffer>(capacity);
    on_device_ = memory.allocate(capacity);
    capacity_ = capacity;
    taken_.record(device.stream());  // whoever had this block before may still be at work on it
  }
  if (bytes > 0) {
    std::memcpy(pinned_->data(), host, bytes);
    taken_.wait_on(copies_.get());
    check_cuda(cudaMemcpyAsync(on_device_, pinned_->data(), bytes, cudaMemcpyHostToDevice, copies_.get()),
               "cudaMemcpyAsync");
  }
  arrived_.record(copies_.get());
  bytes_ = bytes;
  begun_ = true;
}

void PrefetchedCopy::finish(void* to) {
  if (!begun_) throw Error("prefetched copy", "begin() before finish()", "none");
  CudaDevice& device = cuda_device(device_index_);
  device.make_current();
  begun_ = false;
  arrived_.wait_on(device.stream());
  if (bytes_ > 0) {
    check_cuda(cudaMemcpyAsync(to, on_device_, bytes_, cudaMemcpyDeviceToDevice, device.stream()),
               "cudaMemcpyAsync");
  }
  taken_.record(device.stream());
}

PinnedReadback::PinnedReadback(int device_index) : device_index_(make_current(device_index)) {}

PinnedReadback::~PinnedReadback() {
  // The device may still write into the pinned memory. An error is another call's to report.
  if (begun_) cudaStreamSynchronize(cuda_device(device_index_).stream());
}

void PinnedReadback::begin(std::span<const Part> parts) {
  if (begun_) throw Error("readback", "finish() before another begin()", "none");
  CudaDevice& device = cuda_device(device_index_);
  device.make_current();
  bytes_ = 0;
  for (const Part& part : parts) bytes_ += part.bytes;
  if (bytes_ > 0 && (pinned_ == nullptr || pinned_->bytes() < bytes_)) {
    pinned_ = std::make_unique<PinnedBuffer>(bytes_);
  }
  begun_ = true;
  std::size_t at = 0;
  for (const Part& part : parts) {
    if (part.bytes == 0) continue;
    check_cuda(
        cudaMemcpyAsync(pinned_->data() + at, part.from, part.bytes, cudaMemcpyDeviceToHost, device.stream()),
        "cudaMemcpyAsync");
    at += part.bytes;
  }
  arrived_.record(device.stream());
}

std::span<const std::byte> PinnedReadback::finish() {
  if (!begun_) throw Error("readback", "begin() before finish()", "none");
  cuda_device(device_index_).make_current();
  arrived_.synchronize();
  begun_ = false;
  return {pinned_ != nullptr ? pinned_->data() : nullptr, bytes_};
}

}  // namespace tern
