#include "engine/backend/kernel/kernel_backend.h"

#include <string>

#include "engine/core/check.h"

namespace tern {

void* KernelBackend::workspace(std::string_view kernel, std::int64_t rows, std::int64_t cols,
                               std::size_t bytes) {
  Tensor& memory = workspaces_[{kernel, rows, cols}];
  if (!memory.defined()) {
    // Its zeros would be recorded, not written: a kernel that runs before the first replay would find
    // garbage.
    if (is_capturing()) {
      throw Error("capture", "work that has run once before",
                  "the first " + std::string(kernel) + " of its shape");
    }
    memory = Tensor::zeros({static_cast<std::int64_t>(bytes)}, DType::u8, device_);
  }
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
