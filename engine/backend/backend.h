// What a device is to the ops: matrix products and convolutions, which libraries do best, the stream that
// kernels are issued to, memory for them, and recorded work. All other primitives are plain functions with
// their op, a form for each kind of device (engine/backend/dispatch.h).
//
// Conventions of every primitive, unless it says otherwise:
// - Tensors are on one device, f32, and of the shapes given; the ops (engine/ops) have checked that.
// - A tensor of type T is an activation or its gradient: f32, or bf16 where has_bfloat16(), and all
//   of a call's Ts are alike. Sums and statistics are f32 or better whatever T is.
// - Outputs are allocated by the caller and overwritten (=). "+=" marks those that accumulate. Outputs may
//   hold anything before the call. No output may alias an input unless "may alias" is said.
// - Pointers marked "or null" leave that input or output out.
// - NaN is handed on, by ReLU, maxima and their backward too, as by PyTorch: what went wrong must show.
// - Nothing is returned to the host: scalars are one-element tensors, so that no device need be waited for.
// - Nothing is allocated from the system in a steady state: what a primitive needs once per shape it caches.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "engine/backend/packed_weights.h"
#include "engine/device/device.h"
#include "engine/tensor/tensor.h"
#include "kernels/common/stream.h"

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

/// A convolution: its window, its groups, and how exact its products are.
struct Convolution {
  Window window;
  /// So many parts of equal size, in order, into which the channels of x and those of y are divided: a part
  /// of y is made of the same part of x alone. As many groups as channels make a depthwise convolution.
  int groups = 1;
  /// Products of f32 may be made of inputs rounded to 10 bits of mantissa (TF32), summed in f32: several
  /// times faster on tensor cores. A device without them multiplies exactly.
  bool tf32 = false;

  Convolution(Window of, bool with_tf32 = false) : window(of), tf32(with_tf32) {}  // NOLINT: a window is one
  Convolution(Window of, int of_groups, bool with_tf32 = false)
      : window(of), groups(of_groups), tf32(with_tf32) {}
};

/// Which operands of a matrix product are transposed, and how exact it is.
struct MatmulOptions {
  bool transpose_a = false, transpose_b = false;
  bool tf32 = false;  ///< as of a convolution
};

/// What follows a normalisation or convolution in the same pass: y = relu(y + residual).
struct Epilogue {
  const Tensor* residual = nullptr;  ///< same shape as y, or null
  bool relu = false;
};

/// Work that a device has recorded and can do again with one call.
class CapturedWork {
 public:
  virtual ~CapturedWork() = default;
  virtual void run() = 0;  ///< issues it all once more, on the memory it was recorded with
};

class Backend {
 public:
  explicit Backend(Device device) : device_(device) {}
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  Device device() const { return device_; }
  virtual std::string description() const = 0;         ///< for people: device, libraries and their versions
  virtual void synchronize() = 0;                      ///< waits until everything issued is done
  virtual bool has_bfloat16() const { return false; }  ///< activations may be bf16
  virtual bool has_tf32() const { return false; }      ///< products asked for TF32 are faster for it
  /// Records what `work` issues without doing it. `work` must have run once before, so that all that is kept
  /// per shape is there; it reads and writes tensors that outlive the result, and those it makes and hands
  /// out stay where they are for as long. Null where a device cannot record; `work` has then not been called.
  virtual std::unique_ptr<CapturedWork> capture(const std::function<void()>& work);

  /// c = op(a) op(b), op transposes a row-major matrix if asked. a, b, c of rank 2, f32.
  virtual void matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options, Tensor& c) = 0;

  /// y = relu(conv(x, w) + bias + residual). x [N,H,W,C], w [K,R,R,C/groups], y and residual [N,P,Q,K], all
  /// T; bias [K] f32 or null. groups divides C and K; no extent is 0. False where the device has no
  /// convolution with this epilogue or bias in one pass: y may then hold anything, and the caller convolves
  /// without them. It always has one without both. `kept`: what the device keeps of w between calls, or null.
  [[nodiscard]] virtual bool conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                                            const Convolution& convolution, const Epilogue& epilogue,
                                            Tensor& y, PackedWeights* kept = nullptr) = 0;
  /// dx [N,H,W,C], dw [K,R,R,C/groups] of the same convolution.
  virtual void conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                    Tensor& dx) = 0;
  virtual void conv2d_backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                                      Tensor& dw) = 0;
  /// dx += instead, in the same pass. False, with dx as it was, where the device has none that does.
  [[nodiscard]] virtual bool conv2d_add_backward_data(const Tensor&, const Tensor&, const Convolution&,
                                                      Tensor&) {
    return false;
  }

  /// For kernels: where they are issued, in the order of everything that this device does.
  virtual Stream stream() const { return nullptr; }
  /// Memory for one kernel at one shape, zeroed when it is first asked for: kernels leave zeros where they
  /// need them, and where that is depends on kernel and shape. Null for no bytes. Throws Error if it is first
  /// asked for during a capture.
  void* workspace(std::string_view kernel, std::int64_t rows, std::int64_t cols, std::size_t bytes);
  /// Copies a kernel's table to the device, into memory that is kept for the kernel's next one; the address
  /// there.
  const void* upload(std::string_view kernel, std::span<const std::byte> table);

 protected:
  virtual bool is_capturing() const { return false; }  ///< what is issued is recorded instead of done

 private:
  Device device_;
  std::map<std::tuple<std::string_view, std::int64_t, std::int64_t>, Tensor> workspaces_;
  std::map<std::string_view, Tensor> tables_;
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
