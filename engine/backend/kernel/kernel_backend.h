// A backend made of kernels/: every primitive but convolution and products, which a device's libraries do
// better. A device derives from it; the emulated one in tests runs the same kernels on the CPU.
//
// A primitive takes the tensors' addresses, picks the kernel by type (f32 or bf16) and issues it to stream();
// nothing is waited for.
#pragma once

#include <map>
#include <string_view>
#include <tuple>
#include <vector>

#include "engine/backend/backend.h"
#include "kernels/common/stream.h"
#include "kernels/optimizer_step.h"

namespace tern {

class KernelBackend : public Backend {
 public:
  bool has_reduced_precision() const override { return true; }

  void fill(float value, Tensor& y) override;
  void add(const Tensor& a, const Tensor& b, Tensor& y) override;
  void add_scaled(float scale, const Tensor& x, Tensor& y) override;
  void multiply(const Tensor& x, float factor, const Tensor& scalar, Tensor& y) override;
  void relu_forward(const Tensor& x, Tensor& y) override;
  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override;
  void convert(const Tensor& x, Tensor& y) override;
  void transpose(const Tensor& x, Tensor& y) override;
  void add_row(const Tensor& row, Tensor& y) override;
  void sum_rows(const Tensor& x, Tensor& sum) override;
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
  void augment(std::span<const ResidentImage> images, const Tensor& table, Tensor& y) override;

 protected:
  explicit KernelBackend(Device device) : device_(device) {}
  Device device() const { return device_; }
  /// Where kernels are issued: the order of everything this backend does.
  virtual Stream stream() const = 0;
  /// True while what is issued is recorded instead of done.
  virtual bool is_capturing() const = 0;

 private:
  /// The slots as the kernels read them, on the device.
  struct SlotTable {
    const kernels::OptimizerSlotView* slots;
    int count;
    std::int64_t chunks;
  };

  /// Memory for one kernel at one shape, zeroed when it is first asked for: kernels leave zeros where they
  /// need them, and where that is depends on kernel and shape. Null for no bytes. Throws Error if it is first
  /// asked for during a capture.
  void* workspace(std::string_view kernel, std::int64_t rows, std::int64_t cols, std::size_t bytes);
  /// Copies `bytes` to the device, into memory kept in `place`; the address there.
  const void* upload(Tensor& place, std::span<const std::byte> bytes);
  SlotTable upload_slots();  ///< of views_

  Device device_;
  std::map<std::tuple<std::string_view, std::int64_t, std::int64_t>, Tensor> workspaces_;
  std::vector<kernels::OptimizerSlotView> views_;  ///< of the slots of the step at work
  Tensor slot_table_, augment_table_;
};

}  // namespace tern
