// The maximum and the sum of exp(x - maximum) of values that come bit by bit: the sum is scaled down whenever
// the maximum grows. One pass instead of two.
#pragma once

#include "kernels/common/quick_exp.h"
#include "kernels/common/row_part.h"

namespace tern::kernels {

struct OnlineSoftmax {
  float most = -INFINITY;  ///< NaN left out: the sum is NaN then
  float sum = 0;           ///< of exp(x - most); 0 if every x is -infinity

  template <typename Part>
  __device__ void add(const Part& part, int width) {
    float now = most;
    Part::for_each(width, [&](int i, int) { now = fmaxf(now, part[i]); });
    sum *= quick_exp(most - finite(now));
    most = now;
    const float offset = finite(now);
    Part::for_each(width, [&](int i, int) { sum += quick_exp(part[i] - offset); });
  }
  /// Over the threads of a row, all of which get the result.
  __device__ void combine(auto& partial_most, auto& partial_sum) {
    const float all = row_max(most, partial_most);
    sum = row_sum(sum * quick_exp(most - finite(all)), partial_sum);
    most = all;
  }

 private:
  /// -infinity - -infinity would be NaN where the sum is just 0.
  __device__ static float finite(float maximum) { return maximum == -INFINITY ? 0 : maximum; }
};

}  // namespace tern::kernels
