// The maximum of a row and the sum of exp(x - maximum), from which softmax, log-softmax and cross-entropy
// follow; for either kind of row (kernels/common/row_kernel.h).
#pragma once

#include "kernels/common/fast_exp.h"
#include "kernels/common/row_kernel.h"

namespace tern::kernels {

/// In one pass over values that come tile by tile: the sum is scaled down whenever the maximum grows.
struct OnlineSoftmax {
  float max = -INFINITY;  ///< ignores NaN: the sum is NaN then
  float sum = 0;          ///< of exp(x - max); 0 if every x is -infinity

  template <typename Fragment>
  __device__ void add(const Fragment& fragment, int width) {
    float new_max = max;
    Fragment::for_each(width, [&](int i, int) { new_max = fmaxf(new_max, fragment[i]); });
    sum *= fast_exp(max - finite(new_max));
    max = new_max;
    const float offset = finite(new_max);
    Fragment::for_each(width, [&](int i, int) { sum += fast_exp(fragment[i] - offset); });
  }
  /// Over the threads of a row, all of which get the result.
  __device__ void combine(auto& partial_max, auto& partial_sum) {
    const float row = row_max(max, partial_max);
    sum = row_sum(sum * fast_exp(max - finite(row)), partial_sum);
    max = row;
  }

 private:
  /// -infinity - -infinity would be NaN where the sum is just 0.
  __device__ static float finite(float maximum) { return maximum == -INFINITY ? 0 : maximum; }
};

/// Of a row in registers. The exponentials are kept in registers, too.
template <int V>
struct SoftmaxInRegisters {
  float max = -INFINITY, sum = 0;
  float shifted = 0;  ///< this thread's sum of x - max

  __device__ void read(const auto&) {}
  __device__ void reduce(const auto& row, auto& partial_max, auto& partial_sum) {
    row.for_each([&](int, float x) { max = fmaxf(max, x); });
    max = row_max(max, partial_max);
    row.for_each([&](int i, float x) {
      exponentials_[i] = fast_exp(x - max);
      sum += exponentials_[i];
      shifted += x - max;
    });
    sum = row_sum(sum, partial_sum);
  }
  __device__ float exponential(int i, float) const { return exponentials_[i]; }

 private:
  float exponentials_[V];
};

/// Of a row in tiles. The second pass computes each exponential once more.
struct SoftmaxInTiles : OnlineSoftmax {
  float shifted = 0;

  __device__ void read(const auto& row) {
    row.for_each_tile([&](const auto& fragment, int width) { add(fragment, width); });
  }
  __device__ void reduce(const auto&, auto& partial_max, auto& partial_sum) {
    combine(partial_max, partial_sum);
  }
  __device__ float exponential(int, float x) {
    shifted += x - max;
    return fast_exp(x - max);
  }
};

/// What a formula uses: first read(row), then reduce(row, ...) over the threads of the row, which sets max
/// and sum; then, in row.store, exponential(i, x) = exp(x - max), once for each x. `shifted` is complete
/// after that.
template <typename Row>
using RowSoftmax =
    std::conditional_t<Row::kInRegisters, SoftmaxInRegisters<Row::Fragment::kValues>, SoftmaxInTiles>;

}  // namespace tern::kernels
