#include "engine/backend/kernel/kernel_backend.h"

namespace tern {

void* KernelBackend::workspace(std::string_view kernel, std::size_t bytes) {
  Tensor& memory = workspaces_[{kernel, bytes}];
  if (!memory.defined()) memory = Tensor::zeros({static_cast<std::int64_t>(bytes)}, DType::u8, device_);
  return memory.raw();
}

}  // namespace tern
