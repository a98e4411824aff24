// A GPU that does nothing and says what it would have done: where the CUDA backend lies, below the ops. Ops, kernels' host code
// and recordings are the GPU's own; of its libraries, which are not there, it knows that each convolution is one execution of a
// plan and each product one call (engine/backend/cuda/convolution.cpp, matmul.cpp). Results are anything.
#pragma once

#include "engine/backend/backend.h"

namespace tern::account {

class CountingBackend final : public Backend {
 public:
  CountingBackend();

  /// What the described GPU's libraries are taken to have.
  struct Abilities {
    /// Convolutions that add into the gradient that is there (conv2d_add_backward_data). An H200 has plans for all of a
    /// ResNet's (tests/cuda/test_convolution_plan.cpp); without them the tape adds.
    bool adds_gradients = true;
  };
  void set_abilities(const Abilities& abilities) { abilities_ = abilities; }

  std::string description() const override;
  void synchronize() override {}
  bool has_bfloat16() const override { return true; }
  bool has_tf32() const override { return true; }
  /// As on a GPU: memory that `work` allocates is the recording's own.
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

 protected:
  bool is_capturing() const override;

 private:
  Abilities abilities_;
};

/// The only one, cuda:0.
CountingBackend& counting_backend();

}  // namespace tern::account
