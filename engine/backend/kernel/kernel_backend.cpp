#include "engine/backend/kernel/kernel_backend.h"

namespace tern {

void* KernelBackend::workspace(std::string_view kernel, std::int64_t rows, std::int64_t cols,
                               std::size_t bytes) {
  Tensor& memory = workspaces_[{kernel, rows, cols}];
  if (!memory.defined()) memory = Tensor::zeros({static_cast<std::int64_t>(bytes)}, DType::u8, device_);
  return memory.raw();
}

const void* KernelBackend::upload(Tensor& place, std::span<const std::byte> bytes) {
  if (!place.defined() || place.bytes() < bytes.size()) {
    place = Tensor::empty({static_cast<std::int64_t>(bytes.size())}, DType::u8, device_);
  }
  copy_bytes(place.raw(), device_, bytes.data(), Device::cpu(), bytes.size());
  return place.raw();
}

}  // namespace tern
