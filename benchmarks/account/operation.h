// One thing that a device does in a step: a launch of a kernel of tern's, a call of a library, a copy.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/common/emulator/emulator.h"

namespace tern::account {

/// What it is for, in the order of the table.
enum class Family {
  convolution_forward,
  convolution_dgrad,  ///< the gradient of a convolution's input
  convolution_wgrad,  ///< the gradient of its weights
  batch_norm_forward,
  batch_norm_backward,
  add,
  relu,
  pool,
  head,  ///< products and what belongs to them
  loss,
  optimizer,
  copy,  ///< copies, casts, fills
  other,
};
inline constexpr int kFamilies = static_cast<int>(Family::other) + 1;

const char* name_of(Family family);

/// Of a kernel of kernels/, by its name in the program's symbols; `other` for one that is not known here.
Family family_of(const emulator::KernelId& kernel);

/// What multiplies and adds.
enum class Arithmetic { none, f32, tf32, bf16 };

enum class OperationKind {
  kernel,   ///< of tern's own
  library,  ///< one execution of a cuDNN plan or one product of cuBLAS; the library may launch several kernels
  copy,     ///< by the driver: copies and fills with zero
};
const char* name_of(OperationKind kind);

struct Operation {
  Family family = Family::other;
  OperationKind kind = OperationKind::kernel;
  std::string name;  ///< "statistics_kernel<8, bfloat16>", "3x3/2 128->256 of 256x28x28"
  /// Bytes of the device's memory, each once: what must move if no cache holds it from before.
  std::int64_t bytes_read = 0, bytes_written = 0;
  double flop = 0;  ///< of convolutions and products; those of kernels are not counted
  Arithmetic arithmetic = Arithmetic::none;
  bool is_replayed = false;  ///< a part of recorded work, which the host starts as a whole

  std::int64_t bytes() const { return bytes_read + bytes_written; }
};

}  // namespace tern::account
