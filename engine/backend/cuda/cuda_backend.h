// The GPU: cuDNN's convolutions, cuBLAS's products, a stream for kernels, recorded graphs.
//
//   convolution.cpp  conv2d_*, on plans (plan_cache.h)      matmul.cpp  products
//   capture.cpp      work recorded as a CUDA graph
//
// For use by one thread at a time. With TERN_DETERMINISTIC=1 in the environment two runs give the same bits;
// convolutions are then chosen by cuDNN's recommendation instead of by the clock, and may be slower.
#pragma once

#include <cublas_v2.h>
#include <cudnn_graph.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/backend/backend.h"
#include "engine/backend/cuda/convolution_plan.h"
#include "engine/backend/cuda/plan_cache.h"
#include "engine/device/allocator.h"
#include "engine/device/cuda/cuda_device.h"

namespace tern {

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(int index);  ///< throws Error that says which driver, GPU or library is missing

  std::string description() const override;
  void synchronize() override;
  bool has_bfloat16() const override { return true; }
  bool has_tf32() const override { return true; }
  std::unique_ptr<CapturedWork> capture(const std::function<void()>& work) override;

  void matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& c) override;
  bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution,
                      const Epilogue& epilogue, Tensor& y, PackedWeights* kept) override;
  void conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                            Tensor& dx) override;
  bool conv2d_add_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                Tensor& dx) override;
  void conv2d_backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                              Tensor& dw) override;
  Stream stream() const override;

 protected:
  bool is_capturing() const override { return cuda_.is_capturing(); }

 private:
  ConvolutionProblem problem(ConvolutionPass pass, const Tensor& x, const Tensor& y, const Tensor& w,
                             const Convolution& convolution) const;
  const ConvolutionPlan* plan(const ConvolutionProblem& problem, const ConvolutionOperands& operands);
  void run(const ConvolutionPlan& plan, const ConvolutionOperands& operands);
  void run_or_fail(const ConvolutionProblem& problem, const ConvolutionOperands& operands);
  float time(const ConvolutionPlan& plan, const ConvolutionOperands& operands);
  /// Shared by all convolutions, since they run one after the other. A captured graph's is in its own pool.
  void* plan_workspace(std::size_t bytes);

  CudaDevice& cuda_;
  bool deterministic_;
  cudnnHandle_t cudnn_ = nullptr;
  cublasHandle_t cublas_ = nullptr;
  Buffer cublas_workspace_;
  std::unique_ptr<Buffer> plan_workspace_;
  std::unique_ptr<PlanCache> plans_;
};

/// Made on first use, never destroyed. Where it throws, the next call tries again.
Backend& cuda_backend(int index);

}  // namespace tern
