// A block per channel. In double where a channel has one number and its product is rounded once, so that
// every device folds to the same bits; a network's weights take microseconds of it.
#include "kernels/fold_batch_norm.h"

#include "kernels/common/kernel.h"

namespace tern::kernels {
namespace {

constexpr int kThreads = 256;

template <typename T>
__global__ void __launch_bounds__(kThreads)
    fold_batch_norm_kernel(const float* w, const float* gamma, const float* beta, const float* mean,
                           const float* variance, float epsilon, T* folded, float* bias, std::int64_t inner) {
  const std::int64_t channel = blockIdx.x;
  const double factor = static_cast<double>(gamma[channel]) /
                        sqrt(static_cast<double>(variance[channel]) + static_cast<double>(epsilon));
  if (threadIdx.x == 0) {
    bias[channel] = static_cast<float>(
        fma(-static_cast<double>(mean[channel]), factor, static_cast<double>(beta[channel])));
  }
  for (std::int64_t i = threadIdx.x; i < inner; i += kThreads) {
    const std::int64_t at = channel * inner + i;
    folded[at] = T(static_cast<float>(static_cast<double>(w[at]) * factor));
  }
}

}  // namespace

template <typename T>
void fold_batch_norm(const float* w, const float* gamma, const float* beta, const float* mean,
                     const float* variance, float epsilon, T* folded, float* bias, std::int64_t channels,
                     std::int64_t inner, Stream stream) {
  launch(fold_batch_norm_kernel<T>, channels, kThreads, 0, stream, w, gamma, beta, mean, variance, epsilon,
         folded, bias, inner);
}

template void fold_batch_norm(const float*, const float*, const float*, const float*, const float*, float,
                              float*, float*, std::int64_t, std::int64_t, Stream);
template void fold_batch_norm(const float*, const float*, const float*, const float*, const float*, float,
                              bfloat16*, float*, std::int64_t, std::int64_t, Stream);

}  // namespace tern::kernels
