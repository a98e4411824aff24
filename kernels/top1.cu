// The answer of each row of logits: one pass that keeps the largest with its place and the sum of
// exp(x - largest). Its softmax probability is exp(0) / sum.
//
// Value and place travel together, as one integer whose order is that of the answer: by value, NaN above all,
// then the lower place first. So the maximum of integers is the answer, in whatever order it is taken.
#include "kernels/top1.h"

#include "kernels/common/float_order.h"
#include "kernels/common/kernel.h"
#include "kernels/common/online_softmax.h"

namespace tern::kernels {
namespace {

using Ranked = unsigned long long;

__device__ Ranked rank_of(float value, std::uint32_t place) {
  return Ranked{order_of(value)} << 32 | ~place;
}

template <typename T, int N>
__global__ void __launch_bounds__(kTileThreads<N>)
    top1_kernel(const T* logits, float threshold, std::int32_t novel, std::int32_t* best, float* probability,
                std::int32_t* answer, std::int64_t rows, std::int64_t cols) {
  TERN_SHARED(float, partial_most, 32);
  TERN_SHARED(float, partial_sum, 32);
  TERN_SHARED(Ranked, partial_ranked, 32);
  using Tiles = TiledRow<T, N>;
  const std::int64_t row = row_of_thread();
  const Tiles tiles{logits + row * cols, row < rows ? cols : 0, 0, 0};
  OnlineSoftmax online;
  Ranked ranked = 0;
  for (std::int64_t start = 0; start < tiles.cols; start += Tiles::tile()) {
    const auto part = tiles.load(start);
    online.add(part, tiles.width(start));
    part.for_each(tiles.width(start), [&](int i, int column) {
      const Ranked other = rank_of(part[i], static_cast<std::uint32_t>(start + column));
      ranked = other > ranked ? other : ranked;
    });
  }
  online.combine(partial_most, partial_sum);
  ranked = row_reduce(
      ranked, Ranked{0}, [](Ranked a, Ranked b) { return a > b ? a : b; }, partial_ranked);
  if (threadIdx.x != 0 || row >= rows) return;
  const auto place = static_cast<std::int32_t>(~static_cast<std::uint32_t>(ranked));
  const float p = expf(online.most - online.most) / online.sum;  // NaN if the largest is infinite
  if (best != nullptr) best[row] = place;
  if (probability != nullptr) probability[row] = p;
  if (answer != nullptr) answer[row] = p >= threshold ? place : novel;
}

}  // namespace

template <typename T>
void top1(const T* logits, float threshold, std::int32_t novel, std::int32_t* best, float* probability,
          std::int32_t* answer, std::int64_t rows, std::int64_t cols, Stream stream) {
  if (rows == 0) return;
  const auto with = [&](auto n) {
    constexpr int N = n();
    const RowShape shape = row_shape<T, N>(rows, cols, 0);
    launch(top1_kernel<T, N>, shape.grid, shape.block, 0, stream, logits, threshold, novel, best, probability,
           answer, rows, cols);
  };
  if (vectorizes(cols, logits)) return with(std::integral_constant<int, kVectorWidth<T>>());
  with(std::integral_constant<int, 1>());
}

#define TERN_INSTANTIATE(T)                                                                             \
  template void top1(const T*, float, std::int32_t, std::int32_t*, float*, std::int32_t*, std::int64_t, \
                     std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
