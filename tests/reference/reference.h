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
Array matmul(const Array& a, bool transpose_a, const Array& b, bool transpose_b);
Array sum_rows(const Array& x);
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

/// x [N,H,W,C], w [K,R,R,C], bias [K] or null.
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
Array l2_normalize(const Array& x, double epsilon);
Array cosine_head(const Array& x, const Array& w, const Array& scale);
Array cross_entropy(const Array& logits, const std::vector<std::int32_t>& targets, double smoothing,
                    std::int32_t ignore_index);

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

/// As the notebook writes it: probabilities, sums, logarithms. `forward`: KL(head || implied).
Array hierarchical_kl(const Array& super, const Array& sub, const std::vector<std::int32_t>& sub_to_super,
                      bool forward, double temperature, bool scale_by_temperature_squared, double epsilon);

}  // namespace tern::reference
