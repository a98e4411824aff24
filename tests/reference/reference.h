// Naive references in double precision, written from the definitions. They share no code with the engine:
// what both get wrong must be wrong in the definition.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace tern::reference {

/// Row-major numbers with a shape.
struct Array {
  std::vector<std::int64_t> shape;
  std::vector<double> values;

  Array() = default;
  explicit Array(std::vector<std::int64_t> extents);  ///< zeros
  double& operator[](std::int64_t i) { return values[static_cast<std::size_t>(i)]; }
  double operator[](std::int64_t i) const { return values[static_cast<std::size_t>(i)]; }
  std::int64_t size() const { return static_cast<std::int64_t>(values.size()); }
  std::int64_t last() const { return shape.back(); }
  std::int64_t rows() const { return last() == 0 ? 0 : size() / last(); }
};

Array add(const Array& a, const Array& b);
Array relu(const Array& x);
Array relu_backward(const Array& y, const Array& dy);
Array matmul(const Array& a, bool transpose_a, const Array& b, bool transpose_b);
Array sum_rows(const Array& x);
Array add_bias(const Array& x, const Array& bias);  ///< bias [x.last()], added to each row
Array linear(const Array& x, const Array& w, const Array* bias);

/// x [count, rows, columns] -> [count, columns, rows]
Array transpose(const Array& x);

/// From bytes [source_size, source_size, 3] to [size, size, 3]: enlarged to twice the extent if `size` is,
/// mirrored if `flip`, turned by `rotation` (xx, xy, x0, yx, yy, y0 of kernels/augment.h), and looked up in
/// table [3, 256].
Array augment(const std::vector<std::uint8_t>& bytes, int source_size, int size, bool flip,
              const std::array<std::int64_t, 6>& rotation, const Array& table);

/// How many windows, `stride` apart, fit into an axis with its padding on both sides.
std::int64_t window_count(std::int64_t extent, std::int64_t kernel, int stride, int padding);

/// x [N,H,W,C], w [K,R,R,D], bias [K] or null; of the C / D groups of as many output channels each, one reads
/// the D input channels that are its own.
Array conv2d(const Array& x, const Array& w, const Array* bias, int stride, int padding);
Array conv2d_backward_data(const Array& dy, const Array& w, const Array& x_like, int stride, int padding);
Array conv2d_backward_weight(const Array& x, const Array& dy, const Array& w_like, int stride, int padding);

struct Statistics {
  Array mean, biased_variance, unbiased_variance;  // [C]
};
Statistics statistics(const Array& x);
/// Running statistics after a batch.
Array moving_average(const Array& before, const Array& batch, double momentum);
Array inverse_std(const Array& variance, double epsilon);
Array batch_norm(const Array& x, const Array& gamma, const Array& beta, const Array& mean,
                 const Array& variance, double epsilon);
struct BatchNormGradients {
  Array dx, dgamma, dbeta, dresidual;
};
/// Of relu(batch_norm(x) + residual) = y; y null: without the ReLU. `batch_statistics`: mean and inverse_std
/// are x's.
BatchNormGradients batch_norm_backward(const Array& x, const Array* y, const Array& dy, const Array& gamma,
                                       const Array& mean, const Array& inverse_std, bool batch_statistics);
struct FoldedBatchNorm {
  Array w, bias;
};
/// w [K, ...], the others [K].
FoldedBatchNorm fold_batch_norm(const Array& w, const Array& gamma, const Array& beta, const Array& mean,
                                const Array& variance, double epsilon);

struct MaxPool {
  Array y;
  std::vector<std::uint8_t> index;  ///< the winner's place in its window; 0 where no pixel is in the window
};
/// The first of equals wins; a NaN, the last of several.
MaxPool max_pool(const Array& x, int kernel, int stride, int padding);
Array max_pool_backward(const Array& dy, const std::vector<std::uint8_t>& index, const Array& x_like,
                        int kernel, int stride, int padding);
Array global_average_pool(const Array& x);
Array global_average_pool_backward(const Array& dy, const Array& x_like);

Array softmax(const Array& x);
Array softmax_backward(const Array& y, const Array& dy);
Array log_softmax(const Array& x);
Array log_softmax_backward(const Array& y, const Array& dy);
struct Top1 {
  std::vector<std::int32_t> best;  ///< the first of the largest; a NaN wins
  Array probability;               ///< softmax at `best`
};
Top1 top1(const Array& x);
Array inverse_norm(const Array& x, double epsilon);  ///< 1 / max(|x_r|, epsilon) of each row
Array l2_normalize(const Array& x, double epsilon);
/// From y and inverse norms as they were rounded: a norm below epsilon is a constant.
Array l2_normalize_backward(const Array& y, const Array& inverse_norm, double epsilon, const Array& dy);
/// scale cos(x_r, w_c), where a norm below 1e-12 counts as 1e-12.
Array cosine_head(const Array& x, const Array& w, const Array& scale);
struct CosineHeadGradients {
  Array dx, dw, dscale;
};
CosineHeadGradients cosine_head_gradients(const Array& x, const Array& w, const Array& scale,
                                          const Array& dy);
/// The mean over the rows whose target is not ignore_index, 0 if there are none; NaN if a target is no class.
Array cross_entropy(const Array& logits, const std::vector<std::int32_t>& targets, double smoothing,
                    std::int32_t ignore_index);
Array cross_entropy_gradient(const Array& logits, const std::vector<std::int32_t>& targets, double smoothing,
                             std::int32_t ignore_index);

/// KL(p || q) or KL(q || p) of p = softmax(parent_logits / T) and q, the children's probabilities summed for
/// each parent and divided by their sum; the mean over rows. A child whose parent is none of the parents, and
/// a parent without children, are left out.
struct HierarchicalKlSettings {
  bool head_to_implied = false;  ///< KL(p || q)
  double temperature = 1;
  double factor = 1;      ///< of loss and gradients
  double epsilon = 1e-8;  ///< added to the children's sum, and to q beside its logarithm
};
Array hierarchical_kl(const Array& parent_logits, const Array& child_logits,
                      const std::vector<std::int32_t>& parent_of, const HierarchicalKlSettings& settings);
struct HierarchicalKlGradients {
  Array dparent, dchild;
};
HierarchicalKlGradients hierarchical_kl_gradients(const Array& parent_logits, const Array& child_logits,
                                                  const std::vector<std::int32_t>& parent_of,
                                                  const HierarchicalKlSettings& settings);

/// A parameter with its moments; m is SGD's momentum buffer.
struct OptimizerState {
  Array p, m, v;
  explicit OptimizerState(const Array& parameter);  ///< moments 0
};
/// Steps are counted from 1. `decoupled`: AdamW's decay.
void adam_step(OptimizerState& state, const Array& gradient, double rate, double decay, bool decoupled,
               std::int64_t step);
void sgd_step(OptimizerState& state, const Array& gradient, double rate, double decay, double momentum,
              bool nesterov, bool first_step);
double norm(const std::vector<Array>& gradients);  ///< of all of them as one vector
double clip_scale(double norm, double max_norm);

}  // namespace tern::reference
