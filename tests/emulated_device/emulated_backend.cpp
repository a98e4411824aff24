#include "tests/emulated_device/emulated_backend.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/conv2d.h"
#include "kernels/common/emulator/emulator.h"
#include "tests/emulated_device/emulated_memory.h"
#include "tests/emulated_device/recording.h"

namespace tern {
namespace test {
namespace {

Backend& cpu() {
  return backend_of(Device::cpu());
}

/// A tensor as a recording keeps it, by its address: nothing keeps the memory from being given to others.
struct Operand {
  void* at;
  Shape shape;
  DType type;

  explicit Operand(const Tensor& x) : at(const_cast<void*>(x.raw())), shape(x.shape()), type(x.dtype()) {}
};

std::optional<Operand> operand(const Tensor* x) {
  return x != nullptr ? std::optional<Operand>(*x) : std::nullopt;
}

Tensor on_cpu(const Operand& x) {
  Tensor copy = Tensor::empty(x.shape, x.type);
  if (copy.bytes() > 0) EmulatedMemory::instance().copy_to_host(copy.raw(), x.at, copy.bytes());
  if (x.type == DType::f32) return copy;
  Tensor wide = Tensor::empty(x.shape);
  convert(copy, wide);
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
Tensor factor(const Operand& x, bool tf32) {
  Tensor copy = on_cpu(x);
  if (tf32 && x.type == DType::f32) round_to_tf32(copy);
  return copy;
}

void to_device(const Tensor& values, const Operand& y) {
  Tensor rounded = values;
  if (y.type != DType::f32) {
    rounded = Tensor::empty(y.shape, y.type);
    convert(values, rounded);
  }
  if (rounded.bytes() > 0) EmulatedMemory::instance().copy_from_host(y.at, rounded.raw(), rounded.bytes());
}

/// As CudaGraph (engine/backend/cuda/capture.cpp): its memory is its own, and goes with it.
class RecordedOperations final : public CapturedWork {
 public:
  RecordedOperations(Operations operations, PooledAllocator& allocator, PooledAllocator::Pool* pool)
      : operations_(std::move(operations)), allocator_(allocator), pool_(pool) {}
  ~RecordedOperations() override { allocator_.retire_pool(pool_); }
  RecordedOperations(const RecordedOperations&) = delete;
  RecordedOperations& operator=(const RecordedOperations&) = delete;

  void run() override { replay(operations_); }

 private:
  Operations operations_;
  PooledAllocator& allocator_;
  PooledAllocator::Pool* pool_;
};

void require_first(int index) {
  if (index != 0) throw Error("device", "cuda:0, the only emulated one", Device::cuda(index).text());
}

}  // namespace

EmulatedBackend::EmulatedBackend() : Backend(Device::cuda()) {
  emulator::set_launch_guard([] { Arena::instance().open(); }, [] { Arena::instance().close(); });
}

std::string EmulatedBackend::description() const {
  return "an emulated GPU";
}

std::unique_ptr<CapturedWork> EmulatedBackend::capture(const std::function<void()>& work) {
  PooledAllocator& allocator = EmulatedMemory::instance().allocator();
  PooledAllocator::Pool* const pool = allocator.begin_pool();
  Operations operations;
  try {
    Recording recording;
    work();
    operations = recording.take();
  } catch (...) {
    allocator.end_pool();
    allocator.retire_pool(pool);
    throw;
  }
  allocator.end_pool();
  return std::make_unique<RecordedOperations>(std::move(operations), allocator, pool);
}

bool EmulatedBackend::is_capturing() const {
  return is_recording();
}

void EmulatedBackend::matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& c) {
  issue([a = Operand(a), b = Operand(b), options, c = Operand(c)] {
    Tensor result = Tensor::empty(c.shape);
    cpu().matmul(factor(a, options.tf32), factor(b, options.tf32), options, result);
    to_device(result, c);
  });
}

bool EmulatedBackend::conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                                     const Convolution& convolution, const Epilogue& epilogue, Tensor& y,
                                     PackedWeights*) {
  issue([x = Operand(x), w = Operand(w), bias = operand(bias), convolution,
         residual = operand(epilogue.residual), relu = epilogue.relu, y = Operand(y)] {
    std::optional<Tensor> host_bias, host_residual;
    if (bias) host_bias = on_cpu(*bias);
    if (residual) host_residual = on_cpu(*residual);
    to_device(conv2d_fused(factor(x, convolution.tf32), factor(w, convolution.tf32),
                           host_bias ? &*host_bias : nullptr, convolution,
                           {host_residual ? &*host_residual : nullptr, relu}),
              y);
  });
  return true;
}

void EmulatedBackend::conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                           Tensor& dx) {
  issue([dy = Operand(dy), w = Operand(w), convolution, dx = Operand(dx)] {
    Tensor result = Tensor::empty(dx.shape);
    cpu().conv2d_backward_data(factor(dy, convolution.tf32), factor(w, convolution.tf32), convolution,
                               result);
    to_device(result, dx);
  });
}

bool EmulatedBackend::conv2d_add_backward_data(const Tensor& dy, const Tensor& w,
                                               const Convolution& convolution, Tensor& dx) {
  issue([dy = Operand(dy), w = Operand(w), convolution, dx = Operand(dx)] {
    Tensor result = Tensor::empty(dx.shape);
    cpu().conv2d_backward_data(factor(dy, convolution.tf32), factor(w, convolution.tf32), convolution,
                               result);
    add(result, on_cpu(dx), result);
    to_device(result, dx);
  });
  return true;
}

void EmulatedBackend::conv2d_backward_weight(const Tensor& x, const Tensor& dy,
                                             const Convolution& convolution, Tensor& dw) {
  issue([x = Operand(x), dy = Operand(dy), convolution, dw = Operand(dw)] {
    Tensor result = Tensor::empty(dw.shape);
    cpu().conv2d_backward_weight(factor(x, convolution.tf32), factor(dy, convolution.tf32), convolution,
                                 result);
    to_device(result, dw);
  });
}

}  // namespace test

Backend& cuda_backend(int index) {
  test::require_first(index);
  static auto* const backend = new test::EmulatedBackend;
  return *backend;
}

DeviceMemory& cuda_memory(int index) {
  test::require_first(index);
  return test::EmulatedMemory::instance();
}

}  // namespace tern
