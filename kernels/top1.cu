// One pass over each row, for its largest logit with its column and for the sum of exp(x - largest). The
// softmax probability of the largest is exp(0) / sum.
//
// A value and its column are compared as one integer: a greater value is greater (NaN the greatest), and of
// equal values that with the lower column. So the maximum is the answer, in whatever order it is taken.
#include "kernels/top1.h"

#include "kernels/common/float_order.h"
#include "kernels/common/kernel.h"
#include "kernels/common/row_softmax.h"

namespace tern::kernels {
namespace {

using Ranked = unsigned long long;

__device__ Ranked rank_of(float value, std::uint32_t column) {
  return Ranked{order_of(value)} << 32 | ~column;
}

template <typename T, int N>
__global__ void __launch_bounds__(kMaxTileThreads<N>)
    top1_kernel(const T* logits, float threshold, std::int32_t novel, std::int32_t* best, float* probability,
                std::int32_t* answer, std::int64_t rows, std::int64_t cols) {
  TERN_SHARED(float, partial_max, 32);
  TERN_SHARED(float, partial_sum, 32);
  TERN_SHARED(Ranked, partial_ranked, 32);
  using Fragment = RowFragment<T, N, kShortFragment>;
  const std::int64_t row = row_of_thread(), end = row < rows ? cols : 0;
  const std::int64_t tile = std::int64_t{blockDim.x} * kShortFragment;
  const T* const x = logits + row * cols;
  OnlineSoftmax online;
  Ranked ranked = 0;
  for (std::int64_t start = 0; start < end; start += tile) {
    const int width = static_cast<int>(end - start < tile ? end - start : tile);
    Fragment fragment;
    fragment.load(x + start, width);
    online.add(fragment, width);
    Fragment::for_each(width, [&](int i, int column) {
      const Ranked other = rank_of(fragment[i], static_cast<std::uint32_t>(start + column));
      ranked = other > ranked ? other : ranked;
    });
  }
  online.combine(partial_max, partial_sum);
  ranked = row_reduce(
      ranked, Ranked{0}, [](Ranked a, Ranked b) { return a > b ? a : b; }, partial_ranked);
  if (threadIdx.x != 0 || row >= rows) return;
  const auto column = static_cast<std::int32_t>(~static_cast<std::uint32_t>(ranked));
  const float p = expf(online.max - online.max) / online.sum;  // NaN if the largest is infinite
  if (best != nullptr) best[row] = column;
  if (probability != nullptr) probability[row] = p;
  if (answer != nullptr) answer[row] = p >= threshold ? column : novel;
}

}  // namespace

template <typename T>
void top1(const T* logits, float threshold, std::int32_t novel, std::int32_t* best, float* probability,
          std::int32_t* answer, std::int64_t rows, std::int64_t cols, Stream stream) {
  if (rows == 0) return;
  const auto launch_with_vectors = [&]<int N>(std::integral_constant<int, N>) {
    const RowPartition partition = partition_rows<T, N>(rows, cols, 0);
    launch(top1_kernel<T, N>, partition.grid, partition.block, 0, stream, logits, threshold, novel, best,
           probability, answer, rows, cols);
  };
  if (vectorizes(cols, logits)) return launch_with_vectors(std::integral_constant<int, kVectorWidth<T>>());
  launch_with_vectors(std::integral_constant<int, 1>());
}

#define TERN_INSTANTIATE(T)                                                                             \
  template void top1(const T*, float, std::int32_t, std::int32_t*, float*, std::int32_t*, std::int64_t, \
                     std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
