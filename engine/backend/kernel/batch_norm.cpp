// Batch normalisation with the pixels as rows, by kernels/batch_norm.h.
#include "kernels/batch_norm.h"

#include "engine/backend/kernel/kernel_backend.h"
#include "engine/backend/kernel/with_type.h"
#include "kernels/fold_batch_norm.h"

namespace tern {
namespace {

struct Extents {
  std::int64_t rows, channels;
};

Extents extents_of(const Tensor& x) {
  const std::int64_t channels = x.size(-1);
  return {channels == 0 ? 0 : x.numel() / channels, channels};
}

}  // namespace

void KernelBackend::batch_norm_training(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                        float epsilon, float momentum, const Epilogue& epilogue,
                                        Tensor& running_mean, Tensor& running_variance, Tensor& mean,
                                        Tensor& inverse_std, Tensor& y) {
  const auto [rows, channels] = extents_of(x);
  if (rows == 0) return;
  void* const memory =
      workspace("batch_norm", rows, channels, kernels::batch_norm_workspace_bytes(rows, channels));
  with_type(x, [&, rows = rows, channels = channels]<typename T>() {
    kernels::batch_norm_training(
        x.data<T>(), gamma.data<float>(), beta.data<float>(), data_or_null<T>(epilogue.residual),
        epilogue.relu, epsilon, momentum, running_mean.data<float>(), running_variance.data<float>(),
        mean.data<float>(), inverse_std.data<float>(), y.data<T>(), memory, rows, channels, stream());
  });
}

void KernelBackend::batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                         float epsilon, const Epilogue& epilogue, const Tensor& running_mean,
                                         const Tensor& running_variance, Tensor& y) {
  const auto [rows, channels] = extents_of(x);
  with_type(x, [&, rows = rows, channels = channels]<typename T>() {
    kernels::batch_norm_inference(x.data<T>(), gamma.data<float>(), beta.data<float>(),
                                  data_or_null<T>(epilogue.residual), epilogue.relu, epsilon,
                                  running_mean.data<float>(), running_variance.data<float>(), y.data<T>(),
                                  rows, channels, stream());
  });
}

void KernelBackend::batch_norm_backward(const Tensor& x, const Tensor* y, const Tensor& dy,
                                        const Tensor& gamma, const Tensor& mean, const Tensor& inverse_std,
                                        bool batch_statistics, Tensor& dx, Tensor& dgamma, Tensor& dbeta,
                                        Tensor* dresidual) {
  const auto [rows, channels] = extents_of(x);
  void* const memory =
      workspace("batch_norm_backward", rows, channels, kernels::batch_norm_workspace_bytes(rows, channels));
  with_type(x, [&, rows = rows, channels = channels]<typename T>() {
    kernels::batch_norm_backward(x.data<T>(), data_or_null<T>(y), dy.data<T>(), gamma.data<float>(),
                                 mean.data<float>(), inverse_std.data<float>(), batch_statistics,
                                 dx.data<T>(), dgamma.data<float>(), dbeta.data<float>(),
                                 data_or_null<T>(dresidual), memory, rows, channels, stream());
  });
}

void KernelBackend::fold_batch_norm(const Tensor& w, const Tensor& gamma, const Tensor& beta, float epsilon,
                                    const Tensor& running_mean, const Tensor& running_variance,
                                    Tensor& folded, Tensor& bias) {
  const std::int64_t channels = w.size(0), inner = channels == 0 ? 0 : w.numel() / channels;
  with_type(folded, [&]<typename T>() {
    kernels::fold_batch_norm(w.data<float>(), gamma.data<float>(), beta.data<float>(),
                             running_mean.data<float>(), running_variance.data<float>(), epsilon,
                             folded.data<T>(), bias.data<float>(), channels, inner, stream());
  });
}

}  // namespace tern
