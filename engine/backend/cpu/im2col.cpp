// With windows [P, R R C] of x, P being the pixels of y:
//   y [P, K] = windows w^T      dw [K, R R C] = dy^T windows      d(windows) [P, R R C] = dy w, whose sums by pixel are dx
// Sums are f32; those of dx are rounded once.
#include "engine/backend/cpu/im2col.h"

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <utility>
#include <vector>

#include "engine/backend/cpu/onednn_post_ops.h"
#include "engine/backend/cpu/onednn_primitive.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

using dnnl::memory;

memory::desc matrix(std::int64_t rows, std::int64_t columns, bool transposed, DType type) {
  return {{rows, columns},
          type == DType::bf16 ? memory::data_type::bf16 : memory::data_type::f32,
          transposed ? memory::format_tag::ba : memory::format_tag::ab};
}

/// The pixels and channels of x and y, as the loops below go over them.
struct Geometry {
  std::int64_t images, height, width, channels, out_height, out_width, kernel, stride, padding;

  explicit Geometry(const ConvolutionShape& s)
      : images(s.images),
        height(s.height),
        width(s.width),
        channels(s.in),
        out_height(s.out_height),
        out_width(s.out_width),
        kernel(s.window.kernel),
        stride(s.window.stride),
        padding(s.window.padding) {}

  std::int64_t out_pixels() const { return images * out_height * out_width; }
  std::int64_t window_size() const { return kernel * kernel * channels; }
};

/// Every window of x, its pixels row by row; 0 where it reaches into the padding.
Tensor windows_of(const Tensor& x, const Geometry& g) {
  if (g.kernel == 1 && g.stride == 1 && g.padding == 0) return x;
  Tensor windows = Tensor::empty({g.out_pixels(), g.window_size()}, DType::bf16);
  const bfloat16* const from = x.data<bfloat16>();
  bfloat16* const to = windows.data<bfloat16>();
  parallel_for(g.out_pixels(), 8, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t pixel = begin; pixel < end; ++pixel) {
      const std::int64_t image = pixel / (g.out_height * g.out_width);
      const std::int64_t top = pixel / g.out_width % g.out_height * g.stride - g.padding,
                         left = pixel % g.out_width * g.stride - g.padding;
      bfloat16* tap = to + pixel * g.window_size();
      for (std::int64_t h = top; h < top + g.kernel; ++h) {
        for (std::int64_t w = left; w < left + g.kernel; ++w, tap += g.channels) {
          if (h < 0 || h >= g.height || w < 0 || w >= g.width) {
            std::fill_n(tap, g.channels, bfloat16(0.0f));
          } else {
            std::copy_n(from + ((image * g.height + h) * g.width + w) * g.channels, g.channels, tap);
          }
        }
      }
    }
  });
  return windows;
}

/// The place in y along one axis of the window that has the pixel `at` of x at its `tap`; -1 if there is none.
std::int64_t output_at(std::int64_t at, std::int64_t tap, std::int64_t outputs, const Geometry& g) {
  const std::int64_t begin = at + g.padding - tap;
  if (begin < 0 || begin % g.stride != 0 || begin / g.stride >= outputs) return -1;
  return begin / g.stride;
}

/// sum = the gradients that the windows over one pixel of x have for it.
void sum_windows(const float* windows, const Geometry& g, std::int64_t pixel, float* sum) {
  const std::int64_t image = pixel / (g.height * g.width), h = pixel / g.width % g.height,
                     w = pixel % g.width;
  std::fill_n(sum, g.channels, 0.0f);
  for (std::int64_t r = 0; r < g.kernel; ++r) {
    const std::int64_t row = output_at(h, r, g.out_height, g);
    for (std::int64_t s = 0; row >= 0 && s < g.kernel; ++s) {
      const std::int64_t column = output_at(w, s, g.out_width, g);
      if (column < 0) continue;
      const float* const window = windows +
                                  ((image * g.out_height + row) * g.out_width + column) * g.window_size() +
                                  (r * g.kernel + s) * g.channels;
#pragma omp simd
      for (std::int64_t c = 0; c < g.channels; ++c) sum[c] += window[c];
    }
  }
}

}  // namespace

struct Im2colConvolution::Product {
  OneDnnPrimitive matmul;
  memory::desc a, b, bias, c;
};

Im2colConvolution::Im2colConvolution() = default;
Im2colConvolution::~Im2colConvolution() = default;

bool Im2colConvolution::suits_weight(const ConvolutionShape& s) {
  constexpr std::int64_t kMostPixels = 64;
  return s.type == DType::bf16 && s.groups == 1 && s.out_height * s.out_width <= kMostPixels;
}

bool Im2colConvolution::suits(const ConvolutionShape& s) {
  constexpr std::int64_t kMostPixels = 16;
  return s.type == DType::bf16 && s.groups == 1 && s.window.kernel > 1 &&
         s.out_height * s.out_width <= kMostPixels;
}

const Im2colConvolution::Product& Im2colConvolution::product(const Kind& kind) {
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<Product>& slot = products_[kind];
  if (slot != nullptr) return *slot;
  auto product = std::make_unique<Product>();
  product->a = matrix(kind.m, kind.k, kind.transposed_a, DType::bf16);
  product->b = matrix(kind.k, kind.n, kind.transposed_b, DType::bf16);
  product->c = matrix(kind.m, kind.n, false, kind.result);
  if (kind.has_bias) product->bias = matrix(1, kind.n, false, DType::f32);
  dnnl::post_ops after;
  if (kind.has_residual) after.append_sum(1.0f);
  if (kind.relu) append_relu(after);
  dnnl::primitive_attr attributes = OneDnnPrimitive::attributes();
  attributes.set_post_ops(after);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc description(onednn_engine(), product->a, product->b, product->bias,
                                                 product->c, attributes);
#else
  const dnnl::matmul::primitive_desc description({product->a, product->b, product->bias, product->c},
                                                 attributes, onednn_engine());
#endif
  product->matmul = OneDnnPrimitive::of<dnnl::matmul>(description);
  slot = std::move(product);
  return *slot;
}

void Im2colConvolution::multiply(const Kind& kind, const Tensor& a, const Tensor& b, const Tensor* bias,
                                 const Tensor& c) {
  const Product& p = product(kind);
  std::vector<OneDnnArgument> arguments{
      {DNNL_ARG_SRC, p.a, a}, {DNNL_ARG_WEIGHTS, p.b, b}, {DNNL_ARG_DST, p.c, c}};
  if (bias != nullptr) arguments.push_back({DNNL_ARG_BIAS, p.bias, *bias});
  p.matmul.run(arguments);
}

void Im2colConvolution::forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                                const Convolution& convolution, const Epilogue& epilogue, Tensor& y) {
  const Geometry g(ConvolutionShape::of(x, y, convolution));
  if (epilogue.residual != nullptr && epilogue.residual->raw() != y.raw()) y.assign(*epilogue.residual);
  const Tensor windows = windows_of(x, g);
  multiply({.m = g.out_pixels(),
            .k = g.window_size(),
            .n = y.size(3),
            .transposed_b = true,
            .has_bias = bias != nullptr,
            .has_residual = epilogue.residual != nullptr,
            .relu = epilogue.relu,
            .threads = thread_count()},
           windows, w, bias, y);
}

void Im2colConvolution::backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                      Tensor& dx) {
  const Geometry g(ConvolutionShape::of(dx, dy, convolution));
  Tensor gradients = Tensor::empty({g.out_pixels(), g.window_size()});
  multiply({.m = g.out_pixels(),
            .k = dy.size(3),
            .n = g.window_size(),
            .result = DType::f32,
            .threads = thread_count()},
           dy, w, nullptr, gradients);
  const float* const from = std::as_const(gradients).data<float>();
  bfloat16* const to = dx.data<bfloat16>();
  parallel_for(g.images * g.height * g.width, 8, [=](std::int64_t begin, std::int64_t end) {
    std::vector<float> sum(static_cast<std::size_t>(g.channels));
    for (std::int64_t pixel = begin; pixel < end; ++pixel) {
      sum_windows(from, g, pixel, sum.data());
      std::transform(sum.begin(), sum.end(), to + pixel * g.channels,
                     [](float value) { return bfloat16(value); });
    }
  });
}

void Im2colConvolution::backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                                        Tensor& dw) {
  const Geometry g(ConvolutionShape::of(x, dy, convolution));
  const Tensor windows = windows_of(x, g);
  multiply({.m = dy.size(3),
            .k = g.out_pixels(),
            .n = g.window_size(),
            .transposed_a = true,
            .threads = thread_count()},
           dy, windows, nullptr, dw);
}

}  // namespace tern
