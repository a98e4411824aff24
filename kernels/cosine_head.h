// A cosine head, y = scale * cos(x_r, w_c) for x [rows, width], w [classes, width], scale [1] f32: all but
// its matrix products, which are the caller's (cuBLAS). With them two launches forward, four backward.
//
//   forward    cosine_normalize   xhat_r = scale x_r inverse(x_r), what_c = w_c inverse(w_c)
//              product            y = xhat what^T
//   backward   cosine_normalize   the same without scale
//              products           dx = dy what, dw = dy^T xhat
//              cosine_backward    dx_r = scale inverse(x_r) (dx_r - xhat_r (dx_r . xhat_r)), dw_c likewise
//                                 dscale = sum_r dx_r . xhat_r of the dx of the product: exact even for
//                                 scale = 0
//
// inverse = 1 / max(norm, 1e-12). Where the norm is smaller, inverse is a constant, and dx or dw has no
// second term.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// x_unit = scale x x_inverse (scale: device, or null for 1) and w_unit = w w_inverse, which may alias x and
/// w; x_inverse [rows] and w_inverse [classes] are f32, and either may be null. Squares are summed in double,
/// where those of any finite row fit. One launch.
template <typename T>
void cosine_normalize(const T* x, const T* w, const float* scale, T* x_unit, T* w_unit, float* x_inverse,
                      float* w_inverse, std::int64_t rows, std::int64_t classes, std::int64_t width,
                      Stream stream);

/// On entry dx [rows, width] holds dy w_unit and dw [classes, width] dy^T x_unit; on return the gradients of
/// x and w. dscale [1], summed in a fixed order. `workspace` as in cross_entropy.h, aligned to 16. One
/// launch.
template <typename T>
void cosine_backward(const T* x, const T* w, const float* scale, const float* x_inverse,
                     const float* w_inverse, T* dx, T* dw, float* dscale, void* workspace, std::int64_t rows,
                     std::int64_t classes, std::int64_t width, Stream stream);
std::size_t cosine_backward_workspace_bytes(std::int64_t rows);

}  // namespace tern::kernels
