// Every primitive that a device must offer, declared once with its contract. To add a device is to write one
// class.
//
// Conventions, unless a primitive says otherwise:
// - Tensors are on this backend's device, f32, and of the shapes given; the ops (engine/ops) have checked
//   that. A tensor of type T is an activation or its gradient: f32, or bf16 where has_reduced_precision(),
//   and all of a call's Ts are alike. Sums and statistics are f32 or better whatever T is.
// - Outputs are allocated by the caller and overwritten (=). "+=" marks those that accumulate. Outputs may
//   hold anything before the call. No output may alias an input unless "may alias" is said.
// - Pointers marked "or null" leave that input or output out.
// - NaN is handed on, by ReLU, maxima and their backward too, as by PyTorch: what went wrong must show.
// - Nothing is returned to the host: scalars are one-element tensors, so that a device need not be waited
//   for.
// - Nothing is allocated from the system in a steady state: what a primitive needs once per shape it caches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "engine/device/device.h"
#include "engine/tensor/tensor.h"
#include "kernels/augment.h"

namespace tern {

/// Square windows: images NHWC, weights KRSC, output extent (in + 2 padding - kernel) / stride + 1, rounded
/// down.
struct Window {
  int kernel = 1;
  int stride = 1;
  int padding = 0;

  std::int64_t output_extent(std::int64_t input_extent) const {
    return (input_extent + 2 * padding - kernel) / stride + 1;
  }
};

/// A convolution: its window, and how exact its products are.
struct Convolution {
  Window window;
  /// Products of f32 may be made of inputs rounded to 10 bits of mantissa (TF32), summed in f32: several
  /// times faster on tensor cores. A device without them multiplies exactly.
  bool tf32 = false;

  Convolution(Window of, bool with_tf32 = false) : window(of), tf32(with_tf32) {}  // NOLINT: a window is one
};

/// A matrix product: which operands are transposed, and how exact it is.
struct Product {
  bool transpose_a = false, transpose_b = false;
  bool tf32 = false;  ///< as of a convolution
};

/// What follows a normalisation or convolution in the same pass: y = relu(y + residual).
struct Epilogue {
  const Tensor* residual = nullptr;  ///< same shape as y, or null
  bool relu = false;
};

struct CrossEntropyOptions {
  float label_smoothing = 0;       ///< in [0, 1): target = (1 - s) one-hot + s / classes
  std::int32_t ignore_index = -1;  ///< rows with this target count for nothing
};

/// KL divergence between the superclass head p = softmax(super / T) and the distribution implied by the
/// subclass head, q_k = sum of softmax(sub / T) over the subclasses of k. See engine/ops/hierarchical_kl.cpp
/// for the formulas.
struct HierarchicalKlOptions {
  enum class Direction { implied_to_head, head_to_implied };  ///< KL(q || p), KL(p || q)
  enum class Detach { none, head, implied, both };            ///< the side that gets no gradient
  Direction direction = Direction::implied_to_head;
  Detach detach = Detach::none;
  float temperature = 1;
  bool scale_by_temperature_squared = true;  ///< multiply by T^2, so that gradients keep their size
  float epsilon = 1e-8f;  ///< added to the sum that renormalises q, and to q inside the logarithm

  bool detaches_head() const { return detach == Detach::head || detach == Detach::both; }
  bool detaches_implied() const { return detach == Detach::implied || detach == Detach::both; }
};

/// One parameter of a fused optimiser step.
struct OptimizerSlot {
  Tensor parameter;
  Tensor gradient;       ///< T: f32 or bf16, each slot its own
  Tensor first_moment;   ///< Adam: m. SGD: the momentum buffer, undefined without momentum
  Tensor second_moment;  ///< Adam: v
  float learning_rate = 0;
  float weight_decay = 0;
};

struct AdamSettings {
  double beta1 = 0.9, beta2 = 0.999;  ///< double: 1 - beta2 is taken, and f32 would lose it
  float epsilon = 1e-8f;
  bool decoupled_decay = false;  ///< AdamW: p -= lr * decay * p. Otherwise coupled L2: g += decay * p
  std::int64_t step = 1;         ///< of this update, counted from 1
};

struct SgdSettings {
  float momentum = 0;
  bool nesterov = false;
  bool first_step = false;  ///< the buffer takes the gradient as it is
};

/// One image of a batch made from images that lie on the device.
struct ResidentImage {
  const Tensor* images = nullptr;     ///< [count, S, S, 3] u8; S is the same for the whole batch
  std::int64_t index = 0;             ///< of these images
  bool flip = false;                  ///< mirrored left to right first
  kernels::InverseRotation rotation;  ///< then turned (data/rotate.h: inverse_rotation)
};

/// Work that a device has recorded and can do again with one call.
class CapturedWork {
 public:
  virtual ~CapturedWork() = default;
  virtual void run() = 0;  ///< issues it all once more, on the memory it was recorded with
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string description() const = 0;  ///< for people: device, libraries and their versions
  virtual void synchronize() = 0;               ///< waits until everything issued is done
  /// True if activations may be bf16 and convolutions may be asked for TF32.
  virtual bool has_reduced_precision() const { return false; }
  /// Records what `work` issues without doing it. `work` must have run once before, so that all that is kept
  /// per shape is there; it reads and writes tensors that outlive the result, and those it makes and hands
  /// out stay where they are for as long. Null where a device cannot record; `work` has then not been called.
  virtual std::unique_ptr<CapturedWork> capture(const std::function<void()>& work);

  // Elementwise, of type T but for `scalar`. Any shape; y may alias any input.
  virtual void fill(float value, Tensor& y) = 0;
  virtual void add(const Tensor& a, const Tensor& b, Tensor& y) = 0;
  virtual void add_scaled(float scale, const Tensor& x, Tensor& y) = 0;  ///< y += scale * x
  /// y = x * factor * scalar[0]; scalar: one element on the device.
  virtual void multiply(const Tensor& x, float factor, const Tensor& scalar, Tensor& y) = 0;
  virtual void relu_forward(const Tensor& x, Tensor& y) = 0;
  virtual void relu_backward(const Tensor& y, const Tensor& dy,
                             Tensor& dx) = 0;  ///< dx = 0 where y <= 0, else dy
  /// y = x in y's type; each is f32 or bf16, on every device. bf16 rounds to nearest, ties to even. y may
  /// alias x if the types are equal.
  virtual void convert(const Tensor& x, Tensor& y) = 0;

  /// y[n, c, r] = x[n, r, c]: another layout. x [count, rows, columns], y [count, columns, rows], of type T,
  /// on the CPU of any. No aliasing.
  virtual void transpose(const Tensor& x, Tensor& y) = 0;

  // Products. matmul: c = op(a) op(b), op transposes a row-major matrix if asked. a, b, c of rank 2, f32.
  virtual void matmul(const Tensor& a, const Tensor& b, const Product& product, Tensor& c) = 0;
  virtual void add_row(const Tensor& row, Tensor& y) = 0;  ///< y[r, c] += row[c]; y T, row f32
  virtual void sum_rows(const Tensor& x,
                        Tensor& sum) = 0;  ///< sum[c] = sum_r x[r, c]; x T viewed as [rows, last], sum f32

  // Convolution. x [N,H,W,C], w and dw [K,R,R,C], y and residual [N,P,Q,K], all T; bias [K] f32 or null. No
  // extent is 0.
  virtual void conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                              const Convolution& convolution, const Epilogue& epilogue, Tensor& y) = 0;
  virtual void conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                    Tensor& dx) = 0;
  virtual void conv2d_backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                                      Tensor& dw) = 0;

  // Batch normalisation over all but the last axis; x, y, residual and their gradients T; gamma, beta,
  // statistics [C] f32. y = relu(xhat * gamma + beta + residual). y may alias x. Training writes the batch's
  // mean and 1 / sqrt(biased variance + epsilon), and moves the running statistics: running = (1 - momentum)
  // running + momentum batch, with the unbiased variance.
  virtual void batch_norm_training(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                                   float momentum, const Epilogue& epilogue, Tensor& running_mean,
                                   Tensor& running_variance, Tensor& mean, Tensor& inverse_std,
                                   Tensor& y) = 0;
  virtual void batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                                    const Epilogue& epilogue, const Tensor& running_mean,
                                    const Tensor& running_variance, Tensor& y) = 0;
  /// With g = 0 where y <= 0, else dy (y null: no ReLU, g = dy): dgamma, dbeta, dx, and dresidual = g (or
  /// null). With batch_statistics the mean and deviation are functions of x, else constants. dx and dresidual
  /// may alias dy.
  virtual void batch_norm_backward(const Tensor& x, const Tensor* y, const Tensor& dy, const Tensor& gamma,
                                   const Tensor& mean, const Tensor& inverse_std, bool batch_statistics,
                                   Tensor& dx, Tensor& dgamma, Tensor& dbeta, Tensor* dresidual) = 0;
  /// Such a normalisation folded into the convolution before it: folded = w f and bias = beta - mean f, with
  /// f = gamma / sqrt(running variance + epsilon) of each output channel. w [K,R,R,C] f32, folded T.
  virtual void fold_batch_norm(const Tensor& w, const Tensor& gamma, const Tensor& beta, float epsilon,
                               const Tensor& running_mean, const Tensor& running_variance, Tensor& folded,
                               Tensor& bias) = 0;

  // Pooling of T. Padding counts as minus infinity. index [N,P,Q,C] u8: the winner's place in its window,
  // row-major; the first of equals. kernel <= 15.
  virtual void max_pool_forward(const Tensor& x, Window window, Tensor& y, Tensor& index) = 0;
  virtual void max_pool_backward(const Tensor& dy, const Tensor& index, Window window, Tensor& dx) = 0;
  virtual void average_pool_forward(const Tensor& x, Tensor& y) = 0;     ///< [N,H,W,C] T -> [N,C] f32
  virtual void average_pool_backward(const Tensor& dy, Tensor& dx) = 0;  ///< [N,C] f32 -> [N,H,W,C] T

  // Rows of classes, [rows, classes]. y may alias x.
  virtual void softmax_forward(const Tensor& x, Tensor& y) = 0;
  virtual void softmax_backward(const Tensor& y, const Tensor& dy, Tensor& dx) = 0;
  virtual void log_softmax_forward(const Tensor& x, Tensor& y) = 0;
  virtual void log_softmax_backward(const Tensor& y, const Tensor& dy, Tensor& dx) = 0;
  virtual void l2_normalize_forward(const Tensor& x, float epsilon, Tensor& y, Tensor& inverse_norm) = 0;
  virtual void l2_normalize_backward(const Tensor& y, const Tensor& inverse_norm, const Tensor& dy,
                                     Tensor& dx) = 0;
  /// logits [rows, classes], classes >= 1. best [rows] i32: the first of the largest, NaN winning;
  /// probability [rows]: its softmax value. Each may be null.
  virtual void top1(const Tensor& logits, Tensor* best, Tensor* probability) = 0;

  // Losses with their gradients in one pass. targets [rows] i32. loss [1]: the mean over the rows that count
  // (0 if none does); the gradients are of that mean.
  virtual void cross_entropy(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options,
                             Tensor& loss, Tensor& dlogits) = 0;
  /// super_logits [rows, supers], sub_logits [rows, subs], sub_to_super [subs] i32 (-1: left out). loss [1]:
  /// mean.
  virtual void hierarchical_kl(const Tensor& super_logits, const Tensor& sub_logits,
                               const Tensor& sub_to_super, const HierarchicalKlOptions& options, Tensor& loss,
                               Tensor& dsuper, Tensor& dsub) = 0;

  // Cosine head: y = scale * cos(x_r, w_c). x [rows, D], w [classes, D], scale [1], y [rows, classes];
  // inverse norms [rows], [classes] = 1 / max(norm, 1e-12). tf32: of its products, as of a convolution.
  virtual void cosine_head_forward(const Tensor& x, const Tensor& w, const Tensor& scale, bool tf32,
                                   Tensor& y, Tensor& x_inverse_norm, Tensor& w_inverse_norm) = 0;
  virtual void cosine_head_backward(const Tensor& x, const Tensor& w, const Tensor& scale, bool tf32,
                                    const Tensor& y, const Tensor& x_inverse_norm,
                                    const Tensor& w_inverse_norm, const Tensor& dy, Tensor& dx, Tensor& dw,
                                    Tensor& dscale) = 0;

  // Optimisers: every parameter in one call. gradient_scale (one element, or null) multiplies the gradients
  // first.
  virtual void adam_step(std::span<OptimizerSlot> slots, const AdamSettings& settings,
                         const Tensor* gradient_scale) = 0;
  virtual void sgd_step(std::span<OptimizerSlot> slots, const SgdSettings& settings,
                        const Tensor* gradient_scale) = 0;
  /// norm[0] = sqrt(sum of squares of all gradients); scale[0] = min(1, most / (norm + 1e-6)).
  virtual void clip_scale(std::span<OptimizerSlot> slots, float most, Tensor& norm, Tensor& scale) = 0;

  /// A batch from images that lie on the device, in one pass: picked, enlarged to twice their extent where y
  /// asks for it, flipped, turned, and normalised by the table (row c: the number for each byte of channel
  /// c). table [3, 256], y [n, S, S, 3] or [n, 2 S, 2 S, 3] T. Throws Error on the CPU, where data/loader.h
  /// makes the batches.
  virtual void augment(std::span<const ResidentImage> images, const Tensor& table, Tensor& y);
};

/// Throws Error{op, ...} unless x may be an activation on its device: f32, or bf16 where that is known.
void check_activation(const char* op, const char* argument, const Tensor& x);

/// Chosen where a program is linked, like cuda_memory (engine/device/device_memory.h). Made on first use.
Backend& cuda_backend(int index);

/// The backend of a device, made on first use. Throws Error if this build or machine has no such device.
Backend& backend_of(Device device);
inline Backend& backend_of(const Tensor& tensor) {
  return backend_of(tensor.device());
}

}  // namespace tern
