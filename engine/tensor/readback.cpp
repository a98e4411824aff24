#include "engine/tensor/readback.h"

#include <cstddef>
#include <span>
#include <utility>

#include "engine/core/check.h"

namespace tern {

TensorReadback::TensorReadback(Device device) {
  if (!device.is_cpu()) copies_ = cuda_memory(device.index).make_readback();
}

void TensorReadback::begin(std::vector<Tensor> tensors) {
  check(!begun_, "readback", "finish() before another begin()", "none");
  tensors_ = std::move(tensors);
  if (copies_ != nullptr) {
    std::vector<Readback::Part> parts;
    for (const Tensor& tensor : tensors_) parts.push_back({tensor.raw(), tensor.bytes()});
    copies_->begin(parts);
  }
  begun_ = true;
}

std::vector<Tensor> TensorReadback::finish() {
  check(begun_, "readback", "begin() before finish()", "none");
  begun_ = false;
  if (copies_ == nullptr) return std::move(tensors_);
  std::span<const std::byte> bytes = copies_->finish();
  std::vector<Tensor> on_host;
  for (const Tensor& tensor : tensors_) {
    on_host.push_back(Tensor::from_bytes(tensor.shape(), tensor.dtype(), bytes.first(tensor.bytes())));
    bytes = bytes.subspan(tensor.bytes());
  }
  tensors_.clear();
  return on_host;
}

}  // namespace tern
