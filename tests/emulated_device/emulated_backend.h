// A device for tests without a GPU: the kernels that a GPU runs, run by kernels/common/emulator over the
// memory of arena.h. Convolution and products, which a GPU has from its maker's libraries, are the CPU
// backend's here, on factors rounded as tensor cores round them: with bf16 they are computed in f32 and
// rounded, with TF32 the factors lose their last 13 bits.
#pragma once

#include "engine/backend/backend.h"

namespace tern::test {

class EmulatedBackend final : public Backend {
 public:
  EmulatedBackend();

  std::string description() const override;
  void synchronize() override {}
  bool has_bfloat16() const override { return true; }
  bool has_tf32() const override { return true; }
  /// As on a GPU: what `work` issues is kept and not done (recording.h), and memory that it allocates is the
  /// recording's own.
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
};

}  // namespace tern::test
