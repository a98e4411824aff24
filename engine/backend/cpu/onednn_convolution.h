// Convolutions of oneDNN, each built once per shape and number of threads. Several threads may run them at once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>

#include "engine/backend/backend.h"
#include "engine/backend/packed_weights.h"

namespace tern {

/// The extents of one convolution, f32 or bf16: x [images, height, width, in], y [images, out_height, out_width, out].
struct ConvolutionShape {
  std::int64_t images, height, width, in, out_height, out_width, out;
  Window window;
  int groups = 1;
  DType type = DType::f32;  ///< of x, w and y

  static ConvolutionShape of(const Tensor& x, const Tensor& y, const Convolution& convolution) {
    return {x.size(0), x.size(1), x.size(2),          x.size(3),          y.size(1),
            y.size(2), y.size(3), convolution.window, convolution.groups, x.dtype()};
  }
};

class OneDnnConvolution {
 public:
  OneDnnConvolution();
  ~OneDnnConvolution();

  /// y = relu(conv(x, w) + bias + residual); the residual may be y itself. ReLU hands NaN on, and gives
  /// |x| 2^-100 for x < 0. `kept`: or null.
  void forward(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution,
               const Epilogue& epilogue, Tensor& y, PackedWeights* kept = nullptr);
  void backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution, Tensor& dx);
  void backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution, Tensor& dw);

 private:
  enum class Pass { forward, backward_data, backward_weight };
  struct Plan;
  // pass, type, images, height, width, in, out, kernel, stride, padding, groups, has bias, has residual, has ReLU, threads
  using Key = std::tuple<Pass, DType, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                         int, int, int, int, bool, bool, bool, int>;

  const Plan& plan(Pass pass, const ConvolutionShape& shape, bool has_bias, bool has_residual, bool relu);
  static std::unique_ptr<Plan> make_plan(Pass pass, const ConvolutionShape& shape, bool has_bias,
                                         bool has_residual, bool relu);
  /// w as the plan's kernel reads it.
  static Tensor pack(const Plan& plan, const Tensor& w);

  std::mutex mutex_;  // of plans_
  std::map<Key, std::unique_ptr<Plan>> plans_;
};

}  // namespace tern
