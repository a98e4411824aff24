// Softmax cross-entropy with its gradient. With m = max_c x_c and z = log sum_c exp(x_c - m), label smoothing
// s, target t:
//
//   loss_r = (1 - s) (z - (x_t - m)) + s / cols sum_c (z - (x_c - m))
//   dlogits = (exp(x - m) / exp(z) - s / cols - (1 - s) [c == t]) / counted
//
// Every gradient needs the number of counted rows: how blocks get it is at counted_rows. Blocks leave the
// sums of their losses in the workspace, which the last one adds in a fixed order.
#include "kernels/cross_entropy.h"

#include "kernels/common/row_softmax.h"
#include "kernels/common/sum_over_grid.h"

namespace tern::kernels {
namespace {

constexpr int kBlockThreads = 512;     // of a block that has several rows, at most
constexpr std::int64_t kSlice = 1024;  // targets that a block counts
constexpr int kCountThreads = 256;     // of a block that does nothing else

/// The beginning of the workspace; a float per block follows. All zero between calls.
struct Progress {
  unsigned arrivals;  ///< blocks that are done
  int counted;        ///< targets counted by a launch of its own
};

template <typename T>
struct Arguments {
  const T* logits;
  const std::int32_t* targets;
  float smoothing, background;  ///< s, s / cols
  std::int32_t ignore_index;
  float* loss;
  T* dlogits;
  Progress* progress;
  std::int64_t rows, cols;

  __device__ float* partials() const { return reinterpret_cast<float*>(progress + 1); }
};

/// The targets [begin, end) that are not ignored, by the whole block.
template <typename T>
__device__ int count_targets(const Arguments<T>& a, std::int64_t begin, std::int64_t end, auto& partial) {
  const int threads = static_cast<int>(blockDim.x * blockDim.y);
  int count = 0;
  for (std::int64_t i = begin + thread_rank(); i < end; i += threads) {
    count += a.targets[i] != a.ignore_index ? 1 : 0;
  }
  return block_reduce(
      count, 0, [](int x, int y) { return x + y; }, partial);
}

/// Adds those of a slice to the workspace: a sum of integers, which is the same in any order.
template <typename T>
__global__ void __launch_bounds__(kCountThreads) count_targets_kernel(Arguments<T> a) {
  TERN_SHARED(int, partial, 32);
  const std::int64_t begin = blockIdx.x * kSlice, end = begin + kSlice;
  const int count = count_targets(a, begin, end < a.rows ? end : a.rows, partial);
  if (thread_rank() == 0) atomicAdd(&a.progress->counted, count);
}

/// The number of counted rows, in every thread of the block.
///
/// Up to kSlice targets are counted by every block for itself, while the loads of its rows are under way: that
/// saves small batches, whose kernel takes little longer than a launch, the launch that counts more of them.
/// (If every block counted all targets of any batch, 65536 rows of 4096 floats would read 17 GB of them beside
/// 2 GB of logits and gradients; a gradient divided by a pass of its own would double the traffic.)
template <typename T>
__device__ int counted_rows(const Arguments<T>& a) {
  TERN_SHARED(int, partial, 32);
  if (a.rows <= kSlice) return count_targets(a, 0, a.rows, partial);
  __syncthreads();  // count_targets has barriers, too: RowLoss relies on one
  return a.progress->counted;
}

/// The loss of a row and its gradient, in each of the row's threads. One formula gives the gradient of every
/// column but the target's, which is written once more.
struct RowLoss {
  enum class Kind { counted, ignored, outside };
  Kind kind = Kind::ignored;
  std::int32_t target = 0;
  float logit = 0;                  // the target's
  float scale = 0, everywhere = 0;  // exp(-z) / counted, background / counted
  float at_target = 0;              // the gradient there
  float loss = 0;                   // without -s / cols sum_c (x_c - m)

  /// Reads the target's logit now: after the block's next barrier dlogits may take its place.
  template <typename T>
  __device__ RowLoss(const Arguments<T>& a, std::int64_t row) {
    if (row >= a.rows) return;
    target = a.targets[row];
    if (target == a.ignore_index) return;
    kind = target >= 0 && target < a.cols ? Kind::counted : Kind::outside;
    if (kind == Kind::counted) logit = static_cast<float>(a.logits[row * a.cols + target]);
  }
  /// `sum` is that of exp(x - max). A row with a target outside becomes NaN.
  template <typename T>
  __device__ void finish(const Arguments<T>& a, float max, float sum, int counted) {
    if (kind == Kind::ignored) return;
    const float inverse_count = kind == Kind::outside ? NAN : 1 / static_cast<float>(counted);
    const float log_sum = logf(sum), shifted = logit - max;
    scale = inverse_count / sum;
    everywhere = a.background * inverse_count;
    at_target = fast_exp(shifted) * scale - (1 - a.smoothing + a.background) * inverse_count;
    loss = kind == Kind::outside ? NAN : (1 - a.smoothing) * (log_sum - shifted) + a.smoothing * log_sum;
  }
  /// `exponential` is exp(x - max).
  __device__ float gradient(float exponential) const { return exponential * scale - everywhere; }
  /// By each of the row's threads; the one that stored the target's vector of N columns overwrites it there.
  template <int N, typename T>
  __device__ void correct_target(T* row) const {
    const bool owner = target / N % static_cast<int>(blockDim.x) == static_cast<int>(threadIdx.x);
    if (owner && kind == Kind::counted) row[target] = T(at_target);
  }
};

template <typename T>
struct CrossEntropy {
  Arguments<T> a;

  template <typename Row>
  __device__ void operator()(const Row& row) const {
    TERN_SHARED(float, partial_max, 32);
    TERN_SHARED(float, partial_sum, 32);
    TERN_SHARED(float, partial_shifted, 32);
    RowLoss of_row(a, row.index());
    const bool ignored = of_row.kind == RowLoss::Kind::ignored;
    RowSoftmax<Row> softmax;
    if (!ignored) softmax.read(row);
    const int counted = counted_rows(a);
    softmax.reduce(row, partial_max, partial_sum);
    of_row.finish(a, softmax.max, softmax.sum, counted);
    row.store_or_zeros(ignored, a.dlogits,
                       [&](int i, float x) { return of_row.gradient(softmax.exponential(i, x)); });
    of_row.template correct_target<Row::kVector>(a.dlogits + row.index() * a.cols);
    if (a.smoothing > 0) {
      const float shifted = row_sum(softmax.shifted, partial_shifted);
      if (!ignored) of_row.loss -= a.background * shifted;
    }
    write_mean(of_row.loss, counted, partial_max);
  }

 private:
  /// By the block that ends last.
  __device__ void write_mean(float row_loss, int counted, auto& partial) const {
    TERN_SHARED(double, partial_total, 32);
    double total = 0;
    const float of_block = sum_of_rows(row_loss, partial);
    if (!sum_over_grid(of_block, a.partials(), &a.progress->arrivals, &total, partial_total)) return;
    if (thread_rank() != 0) return;
    *a.loss = counted > 0 ? static_cast<float>(total / counted) : 0.0f;
    a.progress->counted = 0;
  }
};

}  // namespace

std::size_t cross_entropy_workspace_bytes(std::int64_t rows) {
  return sizeof(Progress) + sizeof(float) * static_cast<std::size_t>(rows > 0 ? rows : 1);
}

template <typename T>
void cross_entropy(const T* logits, const std::int32_t* targets, float label_smoothing,
                   std::int32_t ignore_index, float* loss, T* dlogits, void* workspace, std::int64_t rows,
                   std::int64_t cols, Stream stream) {
  const float background = label_smoothing / static_cast<float>(cols);
  const Arguments<T> arguments{logits,       targets, label_smoothing, background,
                               ignore_index, loss,    dlogits,         static_cast<Progress*>(workspace),
                               rows,         cols};
  if (rows > kSlice) {
    const dim3 slices(static_cast<unsigned>(ceil_div(rows, kSlice)));
    launch(count_targets_kernel<T>, slices, dim3(kCountThreads), 0, stream, arguments);
  }
  launch_rows(RowInputs<T, 1>{{logits}, rows, cols}, CrossEntropy<T>{arguments},
              vectorizes(cols, logits, dlogits), stream, kBlockThreads);
}

#define TERN_INSTANTIATE(T)                                                                          \
  template void cross_entropy(const T*, const std::int32_t*, float, std::int32_t, float*, T*, void*, \
                              std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
