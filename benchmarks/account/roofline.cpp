#include "benchmarks/account/roofline.h"

#include "engine/core/check.h"

namespace tern::account {

double tflops_of(Arithmetic arithmetic, const emulator::Device& gpu) {
  if (arithmetic == Arithmetic::none || arithmetic == Arithmetic::f32) return gpu.fp32_tflops();
  const bool is_bf16 = arithmetic == Arithmetic::bf16;
  const auto path =
      static_cast<std::size_t>(is_bf16 ? emulator::TensorPath::bf16_fp32 : emulator::TensorPath::tf32_fp32);
  const double tflops = gpu.tensor_tflops[path];
  if (tflops <= 0) throw Error("roofline", is_bf16 ? "a GPU with bf16" : "a GPU with TF32", gpu.name);
  return tflops;
}

Roof roof_of(const Operation& operation, const emulator::Device& gpu) {
  Roof roof;
  roof.memory_us = static_cast<double>(operation.bytes()) / gpu.dram_gb_per_s * 1e-3;
  if (operation.flop > 0) roof.math_us = operation.flop / tflops_of(operation.arithmetic, gpu) * 1e-6;
  return roof;
}

void Total::add(const Operation& operation, const emulator::Device& gpu) {
  const Roof roof = roof_of(operation, gpu);
  ++launches;
  bytes_read += operation.bytes_read;
  bytes_written += operation.bytes_written;
  flop += operation.flop;
  us += roof.us();
  if (roof.memory_us >= roof.math_us) memory_us += roof.us();
}

}  // namespace tern::account
