// The largest of each window of NHWC images; T is float or bfloat16. Padding counts as minus infinity. The
// index is the winner's place in its window, row-major, the first of equals inside the image; a NaN wins, the
// last of several. kernel <= 15. Nothing may alias. One launch each.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

struct PoolShape {
  std::int64_t images, height, width, channels;  ///< of x
  std::int64_t output_height, output_width;      ///< of y
  int kernel, stride, padding;
};

/// x [N,H,W,C] -> y, index (u8) [N,P,Q,C]
template <typename T>
void max_pool_forward(const T* x, T* y, std::uint8_t* index, const PoolShape& shape, Stream stream);
/// dx [N,H,W,C], written whole; each element gathers from the windows that hold it, so no atomics.
template <typename T>
void max_pool_backward(const T* dy, const std::uint8_t* index, T* dx, const PoolShape& shape, Stream stream);

}  // namespace tern::kernels
