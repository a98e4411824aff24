#include "engine/ops/bias.h"

#include <algorithm>

#include "engine/backend/dispatch.h"
#include "engine/core/parallel.h"
#include "kernels/bias.h"

namespace tern {
namespace {

template <typename T>
void add_bias_cpu(const Tensor& bias, Tensor& y, std::int64_t rows, std::int64_t columns) {
  const float* in = bias.data<float>();
  T* out = y.data<T>();
  const std::int64_t grain = std::max<std::int64_t>(kElementwiseGrain / columns, 1);
  parallel_for(rows, grain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      T* values = out + r * columns;
#pragma omp simd
      for (std::int64_t c = 0; c < columns; ++c) store(load(values[c]) + in[c], values[c]);
    }
  });
}

}  // namespace

void add_bias(const Tensor& bias, Tensor& y) {
  const std::int64_t columns = bias.numel();
  if (columns == 0) return;
  const std::int64_t rows = y.numel() / columns;
  dispatch(
      y, [&] { with_type(y, [&]<typename T>() { add_bias_cpu<T>(bias, y, rows, columns); }); },
      [&](auto& device) {
        with_type(y, [&]<typename T>() {
          kernels::add_bias(bias.data<float>(), y.data<T>(), rows, columns, device.stream());
        });
      });
}

}  // namespace tern
