// y = scale cos(x_r, w_c) as one product of x and w, scaled by row and column: the normalised copies of x and
// w are never written.
//
// Backward, with xhat = x / |x|, what = w / |w| and g = scale dy,
// since xhat_r . (g what)_r = sum_c dy_rc y_rc:
//   dx_r = (sum_c g_rc what_c - xhat_r sum_c dy_rc y_rc) / |x_r|
//   dw_c = (sum_r g_rc xhat_r - what_c sum_r dy_rc y_rc) / |w_c|
//   dscale = sum_rc dy_rc y_rc / scale
// A norm below 1e-12 is replaced by that constant, and then the second term of dx or dw is absent.
#include "engine/ops/cpu/cosine_head.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/backend/backend.h"
#include "engine/ops/cpu/rows.h"

namespace tern {
namespace {

constexpr double kMinNorm = 1e-12;

bool is_clamped(float inverse_norm) {
  return inverse_norm >= static_cast<float>(1 / kMinNorm);
}

void inverse_norms(const Tensor& x, Tensor& inverse_norm) {
  const std::int64_t columns = x.size(1);
  const float* in = x.data<float>();
  float* out = inverse_norm.data<float>();
  parallel_for(x.size(0), cpu::row_grain(columns), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const cpu::ConstRow row(in + r * columns, columns);
      const double norm = columns == 0 ? 0 : std::sqrt(row.cast<double>().square().sum());
      out[r] = static_cast<float>(1.0 / (norm < kMinNorm ? kMinNorm : norm));
    }
  });
}

// y_rc *= factor * row_r * column_c
void scale_rows_and_columns(float factor, const float* row, const float* column, Tensor& y) {
  const std::int64_t columns = y.size(1);
  float* out = y.data<float>();
  parallel_for(y.size(0), cpu::row_grain(columns), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      float* values = out + r * columns;
      const float of_row = factor * row[r];
#pragma omp simd
      for (std::int64_t c = 0; c < columns; ++c) values[c] *= of_row * column[c];
    }
  });
}

// gradient_r = inverse_r (gradient_r - x_r inverse_r projection_r)
void project(const Tensor& x, const Tensor& inverse_norm, const double* projection, Tensor& gradient) {
  const std::int64_t columns = x.size(1);
  const float *in = x.data<float>(), *inverse = inverse_norm.data<float>();
  float* out = gradient.data<float>();
  parallel_for(x.size(0), cpu::row_grain(columns), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const float factor =
          is_clamped(inverse[r]) ? 0.0f : static_cast<float>(projection[r] * static_cast<double>(inverse[r]));
      cpu::Row result(out + r * columns, columns);
      result = (result - cpu::ConstRow(in + r * columns, columns) * factor) * inverse[r];
    }
  });
}

}  // namespace

void cpu::cosine_head_forward(const Tensor& x, const Tensor& w, const Tensor& scale, Tensor& y,
                              Tensor& x_inverse_norm, Tensor& w_inverse_norm) {
  inverse_norms(x, x_inverse_norm);
  inverse_norms(w, w_inverse_norm);
  backend_of(x).matmul(x, w, {.transpose_b = true}, y);
  scale_rows_and_columns(*scale.data<float>(), x_inverse_norm.data<float>(), w_inverse_norm.data<float>(), y);
}

void cpu::cosine_head_backward(const Tensor& x, const Tensor& w, const Tensor& scale, const Tensor& y,
                               const Tensor& x_inverse_norm, const Tensor& w_inverse_norm, const Tensor& dy,
                               Tensor& dx, Tensor& dw, Tensor& dscale) {
  const std::int64_t rows = y.size(0), classes = y.size(1);
  const float factor = *scale.data<float>();
  Tensor scratch = Tensor::empty_like(y);
  const Tensor* value = &y;
  double divisor = static_cast<double>(factor);
  if (factor == 0) {  // y is 0 whatever the angles are: dscale needs them again
    backend_of(x).matmul(x, w, {.transpose_b = true}, scratch);
    scale_rows_and_columns(1, x_inverse_norm.data<float>(), w_inverse_norm.data<float>(), scratch);
    value = &scratch;
    divisor = 1;
  }
  Tensor sums = Tensor::zeros({rows + classes}, DType::f64);
  double *of_row = sums.data<double>(), *of_class = of_row + rows, total = 0;
  const float *outputs = value->data<float>(), *gradients = dy.data<float>();
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < classes; ++c) {
      const double product = static_cast<double>(outputs[r * classes + c]) * gradients[r * classes + c];
      of_row[r] += product;
      of_class[c] += product;
    }
    total += of_row[r];
  }
  *dscale.data<float>() = static_cast<float>(total / divisor);
  if (factor == 0) std::fill_n(of_row, rows + classes, 0.0);  // g, and so dx and dw, are 0

  // dx and dw share the product's left side up to scaling: columns by 1 / |w| for dx, rows by 1 / |x| for dw.
  const float *of_x = x_inverse_norm.data<float>(), *of_w = w_inverse_norm.data<float>();
  float* g = scratch.data<float>();
  for (std::int64_t r = 0; r < rows; ++r) {
#pragma omp simd
    for (std::int64_t c = 0; c < classes; ++c)
      g[r * classes + c] = factor * gradients[r * classes + c] * of_w[c];
  }
  backend_of(x).matmul(scratch, w, {}, dx);
  for (std::int64_t r = 0; r < rows; ++r) {
#pragma omp simd
    for (std::int64_t c = 0; c < classes; ++c)
      g[r * classes + c] = factor * gradients[r * classes + c] * of_x[r];
  }
  backend_of(x).matmul(scratch, x, {.transpose_a = true}, dw);
  project(x, x_inverse_norm, of_row, dx);
  project(w, w_inverse_norm, of_class, dw);
}

}  // namespace tern
