// The CPU as a backend: oneDNN for convolution and products, Eigen and plain loops for the rest, on all
// cores.
#pragma once

#include <memory>

#include "engine/backend/backend.h"

namespace tern {

class ConvolutionCache;

class CpuBackend final : public Backend {
 public:
  CpuBackend();
  ~CpuBackend() override;

  std::string description() const override;
  void synchronize() override;
  void fill(float value, Tensor& y) override;
  void add(const Tensor& a, const Tensor& b, Tensor& y) override;
  void add_scaled(float scale, const Tensor& x, Tensor& y) override;
  void multiply(const Tensor& x, float factor, const Tensor& scalar, Tensor& y) override;
  void relu_forward(const Tensor& x, Tensor& y) override;
  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void convert(const Tensor& x, Tensor& y) override;
  void transpose(const Tensor& x, Tensor& y) override;
  void matmul(const Tensor& a, const Tensor& b, const Product& product, Tensor& c) override;
  void add_row(const Tensor& row, Tensor& y) override;
  void sum_rows(const Tensor& x, Tensor& sum) override;
  void conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution,
                      const Epilogue& epilogue, Tensor& y) override;
  void conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                            Tensor& dx) override;
  void conv2d_backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                              Tensor& dw) override;
  void batch_norm_training(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                           float momentum, const Epilogue& epilogue, Tensor& running_mean,
                           Tensor& running_variance, Tensor& mean, Tensor& inverse_std, Tensor& y) override;
  void batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                            const Epilogue& epilogue, const Tensor& running_mean,
                            const Tensor& running_variance, Tensor& y) override;
  void batch_norm_backward(const Tensor& x, const Tensor* y, const Tensor& dy, const Tensor& gamma,
                           const Tensor& mean, const Tensor& inverse_std, bool batch_statistics, Tensor& dx,
                           Tensor& dgamma, Tensor& dbeta, Tensor* dresidual) override;
  void fold_batch_norm(const Tensor& w, const Tensor& gamma, const Tensor& beta, float epsilon,
                       const Tensor& running_mean, const Tensor& running_variance, Tensor& folded,
                       Tensor& bias) override;
  void max_pool_forward(const Tensor& x, Window window, Tensor& y, Tensor& index) override;
  void max_pool_backward(const Tensor& dy, const Tensor& index, Window window, Tensor& dx) override;
  void average_pool_forward(const Tensor& x, Tensor& y) override;
  void average_pool_backward(const Tensor& dy, Tensor& dx) override;
  void softmax_forward(const Tensor& x, Tensor& y) override;
  void softmax_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void log_softmax_forward(const Tensor& x, Tensor& y) override;
  void log_softmax_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void l2_normalize_forward(const Tensor& x, float epsilon, Tensor& y, Tensor& inverse_norm) override;
  void l2_normalize_backward(const Tensor& y, const Tensor& inverse_norm, const Tensor& dy,
                             Tensor& dx) override;
  void top1(const Tensor& logits, Tensor* best, Tensor* probability) override;
  void cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options,
                     Tensor& loss, Tensor& dlogits) override;
  void hierarchical_kl(const Tensor& super_logits, const Tensor& sub_logits, const Tensor& sub_to_super,
                       const HierarchicalKlOptions& options, Tensor& loss, Tensor& dsuper,
                       Tensor& dsub) override;
  void cosine_head_forward(const Tensor& x, const Tensor& w, const Tensor& scale, bool tf32, Tensor& y,
                           Tensor& x_inverse_norm, Tensor& w_inverse_norm) override;
  void cosine_head_backward(const Tensor& x, const Tensor& w, const Tensor& scale, bool tf32, const Tensor& y,
                            const Tensor& x_inverse_norm, const Tensor& w_inverse_norm, const Tensor& dy,
                            Tensor& dx, Tensor& dw, Tensor& dscale) override;
  void adam_step(std::span<OptimizerSlot> slots, const AdamSettings& settings,
                 const Tensor* gradient_scale) override;
  void sgd_step(std::span<OptimizerSlot> slots, const SgdSettings& settings,
                const Tensor* gradient_scale) override;
  void clip_scale(std::span<OptimizerSlot> slots, float most, Tensor& norm, Tensor& scale) override;

 private:
  std::unique_ptr<ConvolutionCache> convolutions_;
};

}  // namespace tern
