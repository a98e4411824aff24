// The CPU: oneDNN's products, and convolutions of oneDNN, of winograd.h and of im2col.h, on all cores.
#pragma once

#include <memory>

#include "engine/backend/backend.h"

namespace tern {

class Im2colConvolution;
class OneDnnConvolution;

class CpuBackend final : public Backend {
 public:
  CpuBackend();
  ~CpuBackend() override;

  std::string description() const override;
  void synchronize() override {}
  /// Where the processor multiplies bf16 (AVX512_BF16, AMX) and oneDNN may use that.
  bool has_bfloat16() const override;
  void matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& c) override;
  bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution,
                      const Epilogue& epilogue, Tensor& y, PackedWeights* kept) override;
  void conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                            Tensor& dx) override;
  void conv2d_backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                              Tensor& dw) override;

 private:
  std::unique_ptr<OneDnnConvolution> onednn_;
  std::unique_ptr<Im2colConvolution> im2col_;
};

}  // namespace tern
