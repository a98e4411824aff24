// A primitive has two forms: a loop for the CPU, and a kernel (kernels/) for the other devices. Where it is
// called, the device of a tensor chooses:
//
//   void relu_forward(const Tensor& x, Tensor& y) {
//     dispatch(
//         x, [&] { with_type(x, [&]<typename T>() { relu_forward_cpu<T>(x, y); }); },
//         [&](auto& device) {
//           with_type(x, [&]<typename T>() {
//             kernels::relu_forward(x.data<T>(), y.data<T>(), y.numel(), device.stream());
//           });
//         });
//   }
//
// A program for the CPU alone links no kernels: TERN_HAS_KERNELS is 0 where it is compiled, and the second
// form, being a template (`auto&`), is then not compiled at all.
#pragma once

#include <utility>

#include "engine/backend/backend.h"
#include "engine/tensor/with_type.h"

#ifndef TERN_HAS_KERNELS
#error "TERN_HAS_KERNELS: wanted 0 or 1 from the build (CMakeLists.txt, tern_ops)"
#endif

namespace tern {

inline constexpr bool kHasKernels = TERN_HAS_KERNELS != 0;

/// cpu() if x is on the CPU, else kernel(Backend&) of x's device.
template <typename Cpu, typename Kernel>
void dispatch(const Tensor& x, Cpu&& cpu, Kernel&& kernel) {
  if (x.device().is_cpu()) return cpu();
  Backend& device = backend_of(x);  // throws where there is none
  if constexpr (kHasKernels) kernel(device);
}

/// The elements, or null for null.
template <typename T>
T* data_or_null(Tensor* x) {
  return x != nullptr ? x->data<T>() : nullptr;
}
template <typename T>
const T* data_or_null(const Tensor* x) {
  return x != nullptr ? x->data<T>() : nullptr;
}

}  // namespace tern
