// What surrounds the product of a cosine head: y = scale * cos(x_r, w_c) for x [rows, width], w [classes,
// width]. The products themselves (x w^T, dy w, dy^T x) are the caller's (cuBLAS); row norms and scale are
// fused around them.
//
//   forward    dot = x w^T;  y = scale dot inverse(x_r) inverse(w_c)
//   backward   g_rc = scale dy_rc inverse(x_r) inverse(w_c)
//              dx_r = (g w)_r - x_r inverse(x_r)^2 sum_c dy_rc y_rc          dw_c likewise from g^T x
//              dscale = sum_rc dy_rc y_rc / scale, by way of dot where scale is 0
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// x_inverse [rows], w_inverse [classes] = 1 / max(norm, 1e-12), f32; one launch for both.
template <typename T>
void cosine_norms(const T* x, const T* w, float* x_inverse, float* w_inverse, std::int64_t rows,
                  std::int64_t classes, std::int64_t width, Stream stream);
/// y [rows, classes] holds dot; becomes scale[0] dot x_inverse[r] w_inverse[c].
template <typename T>
void cosine_scale(T* y, const float* scale, const float* x_inverse, const float* w_inverse, std::int64_t rows,
                  std::int64_t classes, Stream stream);

/// The first launch of backward: g [rows, classes] (T), row_sum [rows] and column_sum [classes] = sums of dy
/// y (f32), dscale [1] (f32). One launch, sums in a fixed order; `workspace` as in cross_entropy.h. dscale is
/// sum dy y / scale; where scale is 0 it is computed as 0.
template <typename T>
void cosine_backward_prepare(const T* y, const T* dy, const float* scale, const float* x_inverse,
                             const float* w_inverse, T* g, float* row_sum, float* column_sum, float* dscale,
                             void* workspace, std::int64_t rows, std::int64_t classes, Stream stream);
std::size_t cosine_backward_workspace_bytes(std::int64_t rows, std::int64_t classes);
/// The last: dx [rows, width] holds g w and becomes dx - x x_inverse^2 row_sum; dw [classes, width] likewise.
/// One launch.
template <typename T>
void cosine_backward_finish(const T* x, const T* w, const float* x_inverse, const float* w_inverse,
                            const float* row_sum, const float* column_sum, T* dx, T* dw, std::int64_t rows,
                            std::int64_t classes, std::int64_t width, Stream stream);

}  // namespace tern::kernels
