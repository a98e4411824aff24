#include "engine/backend/backend.h"

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/core/check.h"

namespace tern {

std::unique_ptr<CapturedWork> Backend::capture(const std::function<void()>&) {
  return nullptr;
}

void* Backend::workspace(std::string_view kernel, std::int64_t rows, std::int64_t cols, std::size_t bytes) {
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

const void* Backend::upload(std::string_view kernel, std::span<const std::byte> table) {
  Tensor& place = tables_[kernel];
  if (!place.defined() || place.bytes() < table.size()) {
    place = Tensor::empty({static_cast<std::int64_t>(table.size())}, DType::u8, device_);
  }
  copy_bytes(place.raw(), device_, table.data(), Device::cpu(), table.size());
  return place.raw();
}

void check_activation(const char* op, const char* argument, const Tensor& x) {
  if (x.dtype() != DType::bf16) return check_dtype(op, argument, x, DType::f32);
  if (backend_of(x).has_bfloat16()) return;
  throw Error(op, std::string("f32 on ") + (x.device().is_cpu() ? "the CPU" : x.device().text()), "bf16");
}

Backend& backend_of(Device device) {
  static CpuBackend cpu;
  return device.is_cpu() ? cpu : cuda_backend(device.index);
}

}  // namespace tern
