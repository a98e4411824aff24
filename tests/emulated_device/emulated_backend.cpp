#include "tests/emulated_device/emulated_backend.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/core/check.h"
#include "engine/device/device_memory.h"
#include "kernels/common/emulator/emulator.h"
#include "tests/emulated_device/arena.h"

namespace tern {
namespace test {
namespace {

bool capturing = false;

/// While work is gone through to be recorded.
class Recording {
 public:
  Recording() { capturing = true; }
  ~Recording() {
    capturing = false;
    Arena::instance().restore(before_);
  }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  std::vector<std::byte> before_ = Arena::instance().contents();
};

/// While this backend itself, in place of a GPU's library, copies what the library would read where it lies.
class InLibrary {
 public:
  InLibrary() { capturing = false; }
  ~InLibrary() { capturing = captured_; }
  InLibrary(const InLibrary&) = delete;
  InLibrary& operator=(const InLibrary&) = delete;

 private:
  bool captured_ = capturing;
};

Backend& cpu() {
  return backend_of(Device::cpu());
}

Tensor on_cpu(const Tensor& x) {
  const InLibrary library;
  const Tensor copy = x.to(Device::cpu());
  if (copy.dtype() == DType::f32) return copy;
  Tensor wide = Tensor::empty(copy.shape());
  cpu().convert(copy, wide);
  return wide;
}

// To 10 bits of mantissa, ties away from zero, as cvt.rna.tf32.f32 does it; infinities and NaN stay.
void round_to_tf32(Tensor& x) {
  for (float& value : std::span(x.data<float>(), static_cast<std::size_t>(x.numel()))) {
    if (std::isfinite(value))
      value = std::bit_cast<float>((std::bit_cast<std::uint32_t>(value) + 0x1000u) & ~0x1fffu);
  }
}

// A factor of a product, as the device multiplies it.
Tensor factor(const Tensor& x, bool tf32) {
  Tensor copy = on_cpu(x);
  if (tf32 && x.dtype() == DType::f32) round_to_tf32(copy);
  return copy;
}

void to_device(const Tensor& values, Tensor& y) {
  const InLibrary library;
  if (y.dtype() == DType::f32) return y.assign(values);
  Tensor rounded = Tensor::empty(values.shape(), y.dtype());
  cpu().convert(values, rounded);
  y.assign(rounded);
}

class Repeated final : public CapturedWork {
 public:
  explicit Repeated(std::function<void()> work) : work_(std::move(work)) {}
  void run() override { work_(); }

 private:
  std::function<void()> work_;
};

/// Keeps the bytes until they are wanted: nothing overlaps here.
class EmulatedPrefetch final : public Prefetch {
 public:
  void begin(const void* host, std::size_t bytes) override {
    check(!begun_, "prefetched copy", "finish() before another begin()", "none");
    const auto* from = static_cast<const std::byte*>(host);
    bytes_.assign(from, from + bytes);
    begun_ = true;
  }
  void finish(void* to) override {
    check(begun_, "prefetched copy", "begin() before finish()", "none");
    const Opened opened;
    std::memcpy(to, bytes_.data(), bytes_.size());
    begun_ = false;
  }

 private:
  std::vector<std::byte> bytes_;
  bool begun_ = false;
};

class EmulatedReadback final : public Readback {
 public:
  void begin(std::span<const Part> parts) override {
    check(!begun_, "readback", "finish() before another begin()", "none");
    bytes_.clear();
    const Opened opened;
    for (const Part& part : parts) {
      const auto* from = static_cast<const std::byte*>(part.from);
      bytes_.insert(bytes_.end(), from, from + part.bytes);
    }
    begun_ = true;
  }
  std::span<const std::byte> finish() override {
    check(begun_, "readback", "begin() before finish()", "none");
    begun_ = false;
    return bytes_;
  }

 private:
  std::vector<std::byte> bytes_;
  bool begun_ = false;
};

class EmulatedMemory final : public DeviceMemory {
 public:
  void* allocate(std::size_t bytes) override { return arena_.allocate(bytes); }
  void free(void* block, std::size_t bytes) noexcept override { arena_.free(block, bytes); }
  void copy_from_host(void* to, const void* host, std::size_t bytes) override {
    check(arena_.contains(to) && !arena_.contains(host), "copy", "from the host to the device", "another");
    check(!capturing, "capture", "work that stays on the device", "a copy from host memory");
    copy(to, host, bytes);
  }
  void copy_to_host(void* host, const void* from, std::size_t bytes) override {
    check(arena_.contains(from) && !arena_.contains(host), "copy", "from the device to the host", "another");
    check(!capturing, "capture", "work that stays on the device", "a copy to host memory");
    copy(host, from, bytes);
  }
  void copy_within(void* to, const void* from, std::size_t bytes) override {
    check(arena_.contains(from) && arena_.contains(to), "copy", "within the device", "another");
    copy(to, from, bytes);
  }
  void zero(void* to, std::size_t bytes) override {
    const Opened opened;
    std::memset(to, 0, bytes);
  }
  std::unique_ptr<Prefetch> make_prefetch() override { return std::make_unique<EmulatedPrefetch>(); }
  std::unique_ptr<Readback> make_readback() override { return std::make_unique<EmulatedReadback>(); }
  AllocatorStatistics statistics() override { return arena_.statistics(); }
  std::size_t free_bytes() override { return std::size_t{1} << 30; }
  void release_cached() override { arena_.release(); }

 private:
  void copy(void* to, const void* from, std::size_t bytes) {
    const Opened opened;
    std::memmove(to, from, bytes);
  }

  Arena& arena_ = Arena::instance();
};

void require_first(int index) {
  if (index != 0) throw Error("device", "cuda:0, the only emulated one", Device::cuda(index).text());
}

}  // namespace

EmulatedBackend::EmulatedBackend() : KernelBackend(Device::cuda()) {
  emulator::set_launch_guard([] { Arena::instance().open(); }, [] { Arena::instance().close(); });
}

std::string EmulatedBackend::description() const {
  return "an emulated GPU";
}

std::unique_ptr<CapturedWork> EmulatedBackend::capture(const std::function<void()>& work) {
  const Recording recording;
  work();
  return std::make_unique<Repeated>(work);
}

bool EmulatedBackend::is_capturing() const {
  return capturing;
}

void EmulatedBackend::matmul(const Tensor& a, const Tensor& b, const Product& product, Tensor& c) {
  Tensor result = Tensor::empty(c.shape());
  cpu().matmul(factor(a, product.tf32), factor(b, product.tf32), product, result);
  to_device(result, c);
}

void EmulatedBackend::conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                                     const Convolution& convolution, const Epilogue& epilogue, Tensor& y) {
  std::optional<Tensor> host_bias, residual;
  if (bias != nullptr) host_bias = on_cpu(*bias);
  if (epilogue.residual != nullptr) residual = on_cpu(*epilogue.residual);
  Tensor result = Tensor::empty(y.shape());
  cpu().conv2d_forward(factor(x, convolution.tf32), factor(w, convolution.tf32),
                       host_bias ? &*host_bias : nullptr, convolution,
                       {residual ? &*residual : nullptr, epilogue.relu}, result);
  to_device(result, y);
}

void EmulatedBackend::conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                           Tensor& dx) {
  Tensor result = Tensor::empty(dx.shape());
  cpu().conv2d_backward_data(factor(dy, convolution.tf32), factor(w, convolution.tf32), convolution, result);
  to_device(result, dx);
}

void EmulatedBackend::conv2d_backward_weight(const Tensor& x, const Tensor& dy,
                                             const Convolution& convolution, Tensor& dw) {
  Tensor result = Tensor::empty(dw.shape());
  cpu().conv2d_backward_weight(factor(x, convolution.tf32), factor(dy, convolution.tf32), convolution,
                               result);
  to_device(result, dw);
}

}  // namespace test

Backend& cuda_backend(int index) {
  test::require_first(index);
  static auto* const backend = new test::EmulatedBackend;
  return *backend;
}

DeviceMemory& cuda_memory(int index) {
  test::require_first(index);
  static auto* const memory = new test::EmulatedMemory;
  return *memory;
}

}  // namespace tern
