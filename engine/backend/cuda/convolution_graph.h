// A convolution as cuDNN is asked for it.
//
//   forward          y = relu(conv(x, w) + residual + bias), each of the last three where asked for
//   backward_data    dx from dy, w, or added to dx          backward_weight    dw from x, dy
//
// x [N,H,W,C], w [K,R,R,C/groups], y and residual [N,P,Q,K], all of one type; bias [K] f32. Products are
// summed in f32.
#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <string>

#include "engine/backend/cuda/cudnn_library.h"

namespace tern {

enum class ConvolutionPass { forward, backward_data, backward_weight };
/// bf16: bf16 tensors. tf32: f32 tensors, whose products may be of inputs rounded to TF32. f32: exact
/// products.
enum class ConvolutionType { f32, tf32, bf16 };

/// All that a plan depends on: equal problems have the same plan.
struct ConvolutionProblem {
  ConvolutionPass pass = ConvolutionPass::forward;
  ConvolutionType type = ConvolutionType::f32;
  std::int64_t images = 0, height = 0, width = 0, in = 0, out = 0;
  std::int64_t kernel = 1, stride = 1, padding = 0, groups = 1;
  bool bias = false, residual = false, relu = false;  ///< of the forward pass
  bool add = false;                                   ///< backward_data: dx += instead of dx =
  /// Only engines that give the same bits at every run, and of those the one that cuDNN recommends: the
  /// fastest by the clock may be another one tomorrow.
  bool deterministic = false;
  std::int64_t alignment = 16;  ///< of every tensor's address, in bytes

  std::int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  std::int64_t out_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  std::size_t input_bytes() const;  ///< of x
  bool fused() const { return bias || residual || relu; }
  /// "forward bf16 64x56x56x64 k64 r3 s1 p1 bias relu": for people, and the name of a plan in a file.
  std::string text() const;
  auto operator<=>(const ConvolutionProblem&) const = default;
};

/// The names by which a plan knows its tensors.
enum ConvolutionTensor : std::int64_t { kX = 1, kW = 2, kY = 3, kBias = 4, kResidual = 5 };

/// cuDNN's operation graph of a problem, with the descriptors that it is made of.
struct ConvolutionGraph {
  std::deque<CudnnDescriptor> parts;  ///< a deque, since they refer to each other by address
  CudnnDescriptor graph{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
};

/// Throws Error if cuDNN refuses the shapes.
ConvolutionGraph convolution_graph(const ConvolutionProblem& problem);

}  // namespace tern
