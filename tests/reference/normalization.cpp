#include "tests/reference/reference.h"

#include <cmath>

namespace tern::reference {

Statistics statistics(const Array& x) {
  const std::int64_t channels = x.last();
  const double count = static_cast<double>(x.rows());
  Statistics result{Array({channels}), Array({channels}), Array({channels})};
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (std::int64_t i = c; i < x.size(); i += channels) sum += x[i];
    for (std::int64_t i = c; i < x.size(); i += channels)
      squares += (x[i] - sum / count) * (x[i] - sum / count);
    result.mean[c] = sum / count;
    result.biased_variance[c] = squares / count;
    result.unbiased_variance[c] = squares / (count - 1);
  }
  return result;
}

Array moving_average(const Array& before, const Array& batch, double momentum) {
  Array after = before;
  for (std::int64_t c = 0; c < after.size(); ++c) after[c] = (1 - momentum) * before[c] + momentum * batch[c];
  return after;
}

Array inverse_std(const Array& variance, double epsilon) {
  Array result = variance;
  for (double& value : result.values) value = 1 / std::sqrt(value + epsilon);
  return result;
}

Array batch_norm(const Array& x, const Array& gamma, const Array& beta, const Array& mean,
                 const Array& variance, double epsilon) {
  Array y = x;
  for (std::int64_t i = 0; i < y.size(); ++i) {
    const std::int64_t c = i % x.last();
    y[i] = (x[i] - mean[c]) / std::sqrt(variance[c] + epsilon) * gamma[c] + beta[c];
  }
  return y;
}

BatchNormGradients batch_norm_backward(const Array& x, const Array* y, const Array& dy, const Array& gamma,
                                       const Array& mean, const Array& inverse_std, bool batch_statistics) {
  const Array per_channel({x.last()});
  BatchNormGradients result{dy, per_channel, per_channel, dy};
  Array normalized = x, &g = result.dresidual;
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t c = i % x.last();
    if (y != nullptr && !((*y)[i] > 0)) g[i] = 0;
    normalized[i] = (x[i] - mean[c]) * inverse_std[c];
    result.dbeta[c] += g[i];
    result.dgamma[c] += g[i] * normalized[i];
  }
  const double rows = static_cast<double>(x.rows());
  for (std::int64_t i = 0; i < x.size(); ++i) {
    const std::int64_t c = i % x.last();
    const double part = batch_statistics ? (result.dbeta[c] + normalized[i] * result.dgamma[c]) / rows : 0;
    result.dx[i] = gamma[c] * inverse_std[c] * (g[i] - part);
  }
  return result;
}

FoldedBatchNorm fold_batch_norm(const Array& w, const Array& gamma, const Array& beta, const Array& mean,
                                const Array& variance, double epsilon) {
  FoldedBatchNorm result{w, beta};
  const Array scale = inverse_std(variance, epsilon);
  const std::int64_t channels = beta.size(), inner = channels == 0 ? 0 : w.size() / channels;
  for (std::int64_t i = 0; i < w.size(); ++i) result.w[i] *= gamma[i / inner] * scale[i / inner];
  for (std::int64_t k = 0; k < channels; ++k) result.bias[k] -= mean[k] * gamma[k] * scale[k];
  return result;
}

}  // namespace tern::reference
