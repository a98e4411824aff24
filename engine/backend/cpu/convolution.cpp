// The CPU's convolutions: which implementation runs which shape.
#include <oneapi/dnnl/dnnl.hpp>

#include <string>

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/backend/cpu/im2col.h"
#include "engine/backend/cpu/onednn_convolution.h"
#include "engine/backend/cpu/winograd.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

// oneDNN's depthwise kernel for processors without AVX2 was seen to crash with some residuals (2.6): it gets none that
// leaves a vector of channels partly filled.
bool adds_residual(const ConvolutionShape& s) {
  const bool is_depthwise = s.groups == s.in && s.groups == s.out;
  return !is_depthwise || s.out % 4 == 0;
}

}  // namespace

CpuBackend::CpuBackend()
    : Backend(Device::cpu()),
      onednn_(std::make_unique<OneDnnConvolution>()),
      im2col_(std::make_unique<Im2colConvolution>()) {
  set_thread_count(thread_count());  // no more than OpenMP gives, on which oneDNN counts
}
CpuBackend::~CpuBackend() = default;

std::string CpuBackend::description() const {
  const dnnl_version_t* version = dnnl_version();
  const int threads = thread_count();
  return "cpu, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads") + ", oneDNN " +
         std::to_string(version->major) + "." + std::to_string(version->minor) + "." +
         std::to_string(version->patch);
}

bool CpuBackend::has_bfloat16() const {
  // Each of oneDNN's sets of instructions has the bits of those that it includes.
  const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa()),
             wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (has & wanted) == wanted;
}

bool CpuBackend::conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                                const Convolution& convolution, const Epilogue& epilogue, Tensor& y,
                                PackedWeights* kept) {
  const ConvolutionShape shape = ConvolutionShape::of(x, y, convolution);
  if (epilogue.residual != nullptr && !adds_residual(shape)) return false;
  if (winograd::suits(shape)) {
    winograd::forward(x, w, bias, epilogue, y, kept);
  } else if (Im2colConvolution::suits(shape)) {
    im2col_->forward(x, w, bias, convolution, epilogue, y);
  } else {
    onednn_->forward(x, w, bias, convolution, epilogue, y, kept);
  }
  return true;
}

void CpuBackend::conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                      Tensor& dx) {
  const ConvolutionShape shape = ConvolutionShape::of(dx, dy, convolution);
  if (winograd::suits(shape)) {
    winograd::backward_data(dy, w, dx);
  } else if (Im2colConvolution::suits(shape)) {
    im2col_->backward_data(dy, w, convolution, dx);
  } else {
    onednn_->backward_data(dy, w, convolution, dx);
  }
}

void CpuBackend::conv2d_backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                                        Tensor& dw) {
  const ConvolutionShape shape = ConvolutionShape::of(x, dy, convolution);
  if (winograd::suits(shape)) {
    winograd::backward_weight(x, dy, dw);
  } else if (Im2colConvolution::suits_weight(shape)) {
    im2col_->backward_weight(x, dy, convolution, dw);
  } else {
    onednn_->backward_weight(x, dy, convolution, dw);
  }
}

}  // namespace tern
