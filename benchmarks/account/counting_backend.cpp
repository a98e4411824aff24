#include "benchmarks/account/counting_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/account/counting_memory.h"
#include "benchmarks/account/issue.h"
#include "engine/core/check.h"
#include "kernels/common/emulator/emulator.h"

namespace tern {
namespace account {
namespace {

/// As CudaGraph (engine/backend/cuda/capture.cpp): its memory is its own, and goes with it.
class CountedRecording final : public CapturedWork {
 public:
  CountedRecording(std::vector<Issued> work, PooledAllocator& allocator, PooledAllocator::Pool* pool)
      : work_(std::move(work)), allocator_(allocator), pool_(pool) {}
  ~CountedRecording() override { allocator_.retire_pool(pool_); }
  CountedRecording(const CountedRecording&) = delete;
  CountedRecording& operator=(const CountedRecording&) = delete;

  void run() override {
    for (const Issued& issued : work_) replay(issued);
  }

 private:
  std::vector<Issued> work_;
  PooledAllocator& allocator_;
  PooledAllocator::Pool* pool_;
};

std::int64_t bytes_of(const Tensor& x) {
  return static_cast<std::int64_t>(x.bytes());
}
std::int64_t bytes_of(const Tensor* x) {
  return x != nullptr ? bytes_of(*x) : 0;
}

/// Rows of an image (or columns) that some window touches: a 1x1 convolution of stride 2 leaves out every second one.
std::int64_t rows_touched(std::int64_t extent, const Window& window) {
  std::int64_t touched = 0, next = 0;  // all rows below `next` are counted or left out
  for (std::int64_t p = 0; p < window.output_extent(extent); ++p) {
    const std::int64_t begin = p * window.stride - window.padding;
    const std::int64_t end = std::min(begin + window.kernel, extent);
    touched += std::max<std::int64_t>(end - std::max(begin, next), 0);
    next = std::max(next, end);
  }
  return touched;
}

/// Of x [N,H,W,C], the bytes that the convolution reads.
std::int64_t bytes_read_of(const Tensor& x, const Window& window) {
  if (x.numel() == 0) return 0;
  return bytes_of(x) / (x.size(1) * x.size(2)) * rows_touched(x.size(1), window) *
         rows_touched(x.size(2), window);
}

Arithmetic arithmetic_of(const Tensor& x, bool tf32) {
  if (x.dtype() == DType::bf16) return Arithmetic::bf16;
  return tf32 ? Arithmetic::tf32 : Arithmetic::f32;
}

/// One of the passes over x [N,H,W,C], w [K,R,R,C/groups] and y [N,P,Q,K], without the bytes that it moves. All have as many
/// products.
Operation pass(Family family, const Tensor& x, const Tensor& w, const Tensor& y,
               const Convolution& convolution) {
  Operation operation;
  operation.family = family;
  operation.kind = OperationKind::library;
  operation.name =
      fmt::format("{0}x{0}/{1} {2}->{3} of {4}x{5}x{6}", convolution.window.kernel, convolution.window.stride,
                  x.size(3), y.size(3), x.size(0), x.size(1), x.size(2));
  if (convolution.groups > 1) operation.name += fmt::format(", {} groups", convolution.groups);
  operation.flop = 2.0 * static_cast<double>(y.numel()) * static_cast<double>(w.numel() / w.size(0));
  operation.arithmetic = arithmetic_of(x, convolution.tf32);
  return operation;
}

void require_first(int index) {
  if (index != 0) throw Error("device", "cuda:0, the only one that is counted", Device::cuda(index).text());
}

}  // namespace

CountingBackend::CountingBackend() : Backend(Device::cuda()) {
  emulator::set_launch_recorder([](std::function<void()> launch) { issue_launch(std::move(launch)); });
}

std::string CountingBackend::description() const {
  return "a GPU whose work is counted and not done";
}

std::unique_ptr<CapturedWork> CountingBackend::capture(const std::function<void()>& work) {
  PooledAllocator& allocator = CountingMemory::instance().allocator();
  PooledAllocator::Pool* const pool = allocator.begin_pool();
  std::vector<Issued> issued;
  try {
    Recording recording;
    work();
    issued = recording.take();
  } catch (...) {
    allocator.end_pool();
    allocator.retire_pool(pool);
    throw;
  }
  allocator.end_pool();
  return std::make_unique<CountedRecording>(std::move(issued), allocator, pool);
}

bool CountingBackend::is_capturing() const {
  return is_recording();
}

void CountingBackend::matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& c) {
  const std::int64_t inner = a.size(options.transpose_a ? 0 : 1);
  Operation product;
  product.family = Family::head;
  product.kind = OperationKind::library;
  product.name = fmt::format("product {} x {} x {}", c.size(0), inner, c.size(1));
  product.bytes_read = bytes_of(a) + bytes_of(b);
  product.bytes_written = bytes_of(c);
  product.flop = 2.0 * static_cast<double>(c.numel()) * static_cast<double>(inner);
  product.arithmetic = arithmetic_of(a, options.tf32);
  issue(std::move(product));
}

bool CountingBackend::conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                                     const Convolution& convolution, const Epilogue& epilogue, Tensor& y,
                                     PackedWeights*) {
  Operation forward = pass(Family::convolution_forward, x, w, y, convolution);
  if (bias != nullptr) forward.name += " + bias";
  if (epilogue.residual != nullptr) forward.name += " + residual";
  if (epilogue.relu) forward.name += ", ReLU";
  forward.bytes_read =
      bytes_read_of(x, convolution.window) + bytes_of(w) + bytes_of(bias) + bytes_of(epilogue.residual);
  forward.bytes_written = bytes_of(y);
  issue(std::move(forward));
  return true;
}

void CountingBackend::conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                           Tensor& dx) {
  Operation dgrad = pass(Family::convolution_dgrad, dx, w, dy, convolution);
  dgrad.bytes_read = bytes_of(dy) + bytes_of(w);
  dgrad.bytes_written = bytes_of(dx);
  issue(std::move(dgrad));
}

bool CountingBackend::conv2d_add_backward_data(const Tensor& dy, const Tensor& w,
                                               const Convolution& convolution, Tensor& dx) {
  if (!abilities_.adds_gradients) return false;
  Operation dgrad = pass(Family::convolution_dgrad, dx, w, dy, convolution);
  dgrad.name += ", added";
  dgrad.bytes_read = bytes_of(dy) + bytes_of(w) + bytes_of(dx);
  dgrad.bytes_written = bytes_of(dx);
  issue(std::move(dgrad));
  return true;
}

void CountingBackend::conv2d_backward_weight(const Tensor& x, const Tensor& dy,
                                             const Convolution& convolution, Tensor& dw) {
  Operation wgrad = pass(Family::convolution_wgrad, x, dw, dy, convolution);
  wgrad.bytes_read = bytes_read_of(x, convolution.window) + bytes_of(dy);
  wgrad.bytes_written = bytes_of(dw);
  issue(std::move(wgrad));
}

CountingBackend& counting_backend() {
  static auto* const backend = new CountingBackend;
  return *backend;
}

}  // namespace account

Backend& cuda_backend(int index) {
  account::require_first(index);
  return account::counting_backend();
}

DeviceMemory& cuda_memory(int index) {
  account::require_first(index);
  return account::CountingMemory::instance();
}

}  // namespace tern
