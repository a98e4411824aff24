#include "engine/ops/fold_batch_norm.h"

#include <cmath>

#include "engine/backend/dispatch.h"
#include "kernels/fold_batch_norm.h"

namespace tern {
namespace {

// Once a network, so in double: it costs nothing, and devices fold to the same bits.
template <typename T>
void fold_batch_norm_cpu(const Tensor& w, const BatchNormState& norm, Tensor& folded, Tensor& bias) {
  const std::int64_t channels = bias.numel(), inner = channels == 0 ? 0 : w.numel() / channels;
  const float *gamma = norm.gamma.data().data<float>(), *beta = norm.beta.data().data<float>();
  const float *mean = norm.running_mean.data<float>(), *variance = norm.running_variance.data<float>();
  for (std::int64_t c = 0; c < channels; ++c) {
    const double factor = gamma[c] / std::sqrt(static_cast<double>(variance[c]) + norm.epsilon);
    const float* row = w.data<float>() + c * inner;
    T* result = folded.data<T>() + c * inner;
    for (std::int64_t i = 0; i < inner; ++i) store(static_cast<float>(row[i] * factor), result[i]);
    bias.data<float>()[c] = static_cast<float>(std::fma(-static_cast<double>(mean[c]), factor, beta[c]));
  }
}

}  // namespace

void fold_batch_norm(const Tensor& w, const BatchNormState& norm, Tensor& folded, Tensor& bias) {
  dispatch(
      w, [&] { with_type(folded, [&]<typename T>() { fold_batch_norm_cpu<T>(w, norm, folded, bias); }); },
      [&](auto& device) {
        const std::int64_t channels = bias.numel(), inner = channels == 0 ? 0 : w.numel() / channels;
        with_type(folded, [&]<typename T>() {
          kernels::fold_batch_norm(w.data<float>(), norm.gamma.data().data<float>(),
                                   norm.beta.data().data<float>(), norm.running_mean.data<float>(),
                                   norm.running_variance.data<float>(), norm.epsilon, folded.data<T>(),
                                   bias.data<float>(), channels, inner, device.stream());
        });
      });
}

}  // namespace tern
