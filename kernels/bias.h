// A bias added to each row. T is float or bfloat16. One launch.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// y[r, c] += bias[c]
template <typename T>
void add_bias(const float* bias, T* y, std::int64_t rows, std::int64_t cols, Stream stream);

}  // namespace tern::kernels
