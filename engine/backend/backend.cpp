#include "engine/backend/backend.h"

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/core/check.h"

namespace tern {

std::unique_ptr<CapturedWork> Backend::capture(const std::function<void()>&) {
  return nullptr;
}

void Backend::augment(std::span<const ResidentImage>, const Tensor&, Tensor&) {
  throw Error("augment", "a device that keeps images", description());
}

void check_activation(const char* op, const char* argument, const Tensor& x) {
  if (x.dtype() != DType::bf16) return check_dtype(op, argument, x, DType::f32);
  if (backend_of(x).has_reduced_precision()) return;
  throw Error(op, std::string("f32 on ") + (x.device().is_cpu() ? "the CPU" : x.device().text()), "bf16");
}

Backend& backend_of(Device device) {
  static CpuBackend cpu;
  return device.is_cpu() ? cpu : cuda_backend(device.index);
}

}  // namespace tern
