// Host memory to the device without waiting for it, and back.
//
// A GPU copies by itself only from pinned memory, which no program has by chance. So bytes are first copied
// into pinned slots, which takes the CPU a little, and from there by the GPU in its own time.
#pragma once

#include <cuda_runtime_api.h>

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>

#include "engine/device/cuda/stream.h"
#include "engine/device/device_memory.h"

namespace tern {

/// Host memory that is never swapped out, for the GPU to read by itself.
class PinnedBuffer {
 public:
  explicit PinnedBuffer(std::size_t bytes);  ///< throws Error if the system has none left
  ~PinnedBuffer();
  PinnedBuffer(const PinnedBuffer&) = delete;
  PinnedBuffer& operator=(const PinnedBuffer&) = delete;

  std::byte* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_;
};

/// Copies in the order of one stream's work, through a ring of slots. Waits for the device only where a whole
/// ring of bytes is still on its way. For use by several threads.
class HostCopies {
 public:
  explicit HostCopies(cudaStream_t stream) : stream_(stream) {}

  /// When it returns, `host` is free again; the device does the copy after the work issued before.
  void copy(void* to, const void* host, std::size_t bytes);

 private:
  static constexpr std::size_t kSlotBytes = std::size_t{4} << 20;
  struct Slot {
    PinnedBuffer memory{kSlotBytes};
    CudaEvent emptied;  ///< the device has read what was put in
  };

  void next_slot();

  std::mutex mutex_;
  cudaStream_t stream_;
  std::array<std::unique_ptr<Slot>, 4> slots_;  ///< made on first use
  std::size_t current_ = 0, used_ = 0;          ///< the slot being filled, and its bytes so far
};

/// Has a stream and device memory of its own, so that nothing that is still running can be overwritten.
class PrefetchedCopy final : public Prefetch {
 public:
  explicit PrefetchedCopy(int device_index);
  ~PrefetchedCopy() override;
  PrefetchedCopy(const PrefetchedCopy&) = delete;
  PrefetchedCopy& operator=(const PrefetchedCopy&) = delete;

  void begin(const void* host, std::size_t bytes) override;
  void finish(void* to) override;

 private:
  int device_index_;
  CudaStream copies_;
  CudaEvent arrived_, taken_;  ///< the bytes are on the device; they have been copied to where they belong
  std::unique_ptr<PinnedBuffer> pinned_;
  void* on_device_ = nullptr;
  std::size_t capacity_ = 0, bytes_ = 0;
  bool begun_ = false;
};

/// The parts in pinned memory, copied in the order of the device's stream.
class PinnedReadback final : public Readback {
 public:
  explicit PinnedReadback(int device_index);
  ~PinnedReadback() override;
  PinnedReadback(const PinnedReadback&) = delete;
  PinnedReadback& operator=(const PinnedReadback&) = delete;

  void begin(std::span<const Part> parts) override;
  std::span<const std::byte> finish() override;

 private:
  int device_index_;
  CudaEvent arrived_;
  std::unique_ptr<PinnedBuffer> pinned_;
  std::size_t bytes_ = 0;
  bool begun_ = false;
};

}  // namespace tern
