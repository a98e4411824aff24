// bf16 convolutions of small images as products of matrices: every window of x is a row (im2col). oneDNN's own kernels give a tile of AMX
// to a row of pixels, which leaves most of the tile empty where a row has two or four. Several threads may run them at once.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "engine/backend/backend.h"
#include "engine/backend/cpu/onednn_convolution.h"

namespace tern {

class Im2colConvolution {
 public:
  Im2colConvolution();
  ~Im2colConvolution();

  /// True where forward and backward_data apply and pay: bf16, one group, windows of more than a pixel, few pixels in y.
  static bool suits(const ConvolutionShape& shape);
  /// The same for backward_weight, which pays for more.
  static bool suits_weight(const ConvolutionShape& shape);

  /// y = relu(conv(x, w) + bias + residual), as OneDnnConvolution's.
  void forward(const Tensor& x, const Tensor& w, const Tensor* bias, const Convolution& convolution,
               const Epilogue& epilogue, Tensor& y);
  void backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution, Tensor& dx);
  void backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution, Tensor& dw);

 private:
  struct Product;
  /// A product c = a b of a [m, k] and b [k, n].
  struct Kind {
    std::int64_t m, k, n;
    bool transposed_a = false, transposed_b = false;  ///< in memory
    DType result = DType::bf16;
    bool has_bias = false, has_residual = false, relu = false;
    int threads = 1;
    auto operator<=>(const Kind&) const = default;
  };
  const Product& product(const Kind& kind);
  void multiply(const Kind& kind, const Tensor& a, const Tensor& b, const Tensor* bias, const Tensor& c);

  std::mutex mutex_;  // of products_
  std::map<Kind, std::unique_ptr<Product>> products_;
};

}  // namespace tern
