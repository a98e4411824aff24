// Elementwise kernels: one pass, 16 bytes per thread and step where every pointer is aligned, one value
// otherwise. Bound by bandwidth.
#pragma once

#include <algorithm>

#include "kernels/common/kernel.h"
#include "kernels/common/vector.h"

namespace tern::kernels {

inline constexpr int kMapThreads = 256;
inline constexpr std::int64_t kMaxMapBlocks = 1 << 16;  // beyond that each thread takes several steps

/// y[i] = op(x[i]...) for the vectors [0, n / N), then for what is left.
template <int N, typename To, typename Op, typename... From>
__global__ void map_kernel(std::int64_t n, Op op, To* y, const From*... x) {
  const std::int64_t threads = std::int64_t{gridDim.x} * blockDim.x;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (std::int64_t i = first; i < n / N; i += threads) {
    Vector<To, N> result;
    const auto apply = [&](const Vector<From, N>&... in) {
      for (int k = 0; k < N; ++k) result[k] = To(op(static_cast<float>(in[k])...));
    };
    apply(load_vector<N>(x + i * N)...);
    store_vector<N>(y + i * N, result);
  }
  for (std::int64_t i = n / N * N + first; i < n; i += threads) y[i] = To(op(static_cast<float>(x[i])...));
}

/// y[i] = op(x[i]...), in f32, for i in [0, n); one launch. y may alias any x. Op is a function object whose
/// operator() is __device__; it is copied to the device.
template <typename To, typename Op, typename... From>
void map(std::int64_t n, Op op, Stream stream, To* y, const From*... x) {
  if (n == 0) return;
  // As many values as fill 16 bytes of the widest type among them.
  constexpr int kWidth = std::min({kVectorWidth<To>, kVectorWidth<From>...});
  const bool wide = is_aligned(y) && (is_aligned(x) && ...);
  const std::int64_t blocks = std::min(ceil_div(ceil_div(n, wide ? kWidth : 1), kMapThreads), kMaxMapBlocks);
  launch(wide ? map_kernel<kWidth, To, Op, From...> : map_kernel<1, To, Op, From...>, blocks, kMapThreads, 0,
         stream, n, op, y, x...);
}

}  // namespace tern::kernels
