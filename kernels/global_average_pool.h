// The mean over the pixels of NHWC images; T and To are float or bfloat16, sums f32. Nothing may alias. One
// launch each.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// x [images, pixels, channels] -> y [images, channels], the mean over pixels (pixels = 0 gives NaN)
template <typename T, typename To>
void global_average_pool_forward(const T* x, To* y, std::int64_t images, std::int64_t pixels,
                                 std::int64_t channels, Stream stream);
/// dx = dy / pixels
template <typename T, typename To>
void global_average_pool_backward(const T* dy, To* dx, std::int64_t images, std::int64_t pixels,
                                  std::int64_t channels, Stream stream);

}  // namespace tern::kernels
