// Softmax cross-entropy with its gradient, each row read once and written once; paths as in
// kernels/common/row_part.h. With m = max_c x_c and z = log sum_c exp(x_c - m), label smoothing s, target t:
//
//   loss_r = (1 - s) (z - (x_t - m)) + s / cols sum_c (z - (x_c - m))
//   dlogits = (exp(x - m) / exp(z) - s / cols - (1 - s) [c == t]) / counted
//
// The gradient needs the number of counted rows before any row is done. If rows are few, every block counts
// the targets itself while its row is on the way. If they are many, the blocks that are there first share
// them, slice by slice, and wait for one another's counts with their rows already loaded; the others find the
// number.
//
// Each of a row's threads works out its loss; dlogits may be the logits. Blocks leave their sums in the
// workspace and the last one adds them, in a fixed order.
#include "kernels/cross_entropy.h"

#include "kernels/common/kernel.h"
#include "kernels/common/online_softmax.h"
#include "kernels/common/sum_over_grid.h"

namespace tern::kernels {
namespace {

constexpr int kRowsBlock = 512;        // threads of a block that several rows share, at most
constexpr std::int64_t kSlice = 1024;  // targets that a block counts at once

/// The workspace begins with it; a float a block follows. All zero between launches.
struct Progress {
  unsigned arrivals;         ///< blocks that are done
  unsigned tickets;          ///< slices of the targets that were taken; more than there are, at last
  unsigned long long tally;  ///< slices counted 2^32 + targets counted
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

/// The number of counted rows, in every thread of the block.
template <typename T>
__device__ int counted_rows(const Arguments<T>& a) {
  TERN_SHARED(int, partial, 32);
  TERN_SHARED(unsigned, ticket, 1);
  TERN_SHARED(int, counted, 1);
  if (a.rows <= kSlice) return count_targets(a, 0, a.rows, partial);
  const unsigned slices = static_cast<unsigned>(ceil_div(a.rows, kSlice));
  const volatile unsigned long long* const tally = &a.progress->tally;
  for (;;) {
    if (thread_rank() == 0) ticket[0] = *tally >> 32 == slices ? slices : atomicAdd(&a.progress->tickets, 1u);
    __syncthreads();
    const std::int64_t slice = ticket[0];
    if (slice >= slices) break;
    const std::int64_t end = (slice + 1) * kSlice;
    const int count = count_targets(a, slice * kSlice, end < a.rows ? end : a.rows, partial);
    if (thread_rank() == 0) {
      atomicAdd(&a.progress->tally, 1ull << 32 | static_cast<unsigned>(count));
    }
  }
  if (thread_rank() == 0) {
    unsigned long long all = *tally;
    while (all >> 32 != slices) all = *tally;  // by blocks that are at work, so this ends
    counted[0] = static_cast<int>(all);
  }
  __syncthreads();
  return counted[0];
}

/// What a row gives, in each of its threads. All columns but the target's have one formula for the gradient;
/// the target's owner writes that place once more.
struct RowLoss {
  enum class Kind { counted, ignored, outside };
  Kind kind = Kind::ignored;
  std::int32_t target = 0;
  float logit = 0;                  // the target's
  float scale = 0, everywhere = 0;  // exp(-z) / counted, background / counted
  float at_target = 0;              // the gradient there
  float loss = 0;                   // but for -s / cols sum_c (x_c - m)

  /// Reads the target's logit at once: after the block's next barrier dlogits may take its place.
  template <typename T>
  __device__ RowLoss(const Arguments<T>& a, std::int64_t row) {
    if (row >= a.rows) return;
    target = a.targets[row];
    if (target == a.ignore_index) return;
    kind = target >= 0 && target < a.cols ? Kind::counted : Kind::outside;
    if (kind == Kind::counted) logit = static_cast<float>(a.logits[row * a.cols + target]);
  }
  /// `sum` is that of exp(x - most). A row with a target outside becomes NaN.
  template <typename T>
  __device__ void finish(const Arguments<T>& a, float most, float sum, int counted) {
    if (kind == Kind::ignored) return;
    const float inverse_count = kind == Kind::outside ? NAN : 1 / static_cast<float>(counted);
    const float log_sum = logf(sum), shifted = logit - most;
    scale = inverse_count / sum;
    everywhere = a.background * inverse_count;
    at_target = quick_exp(shifted) * scale - (1 - a.smoothing + a.background) * inverse_count;
    loss = kind == Kind::outside ? NAN : (1 - a.smoothing) * (log_sum - shifted) + a.smoothing * log_sum;
  }
  /// `exponential` is exp(x - most).
  __device__ float gradient(float exponential) const { return exponential * scale - everywhere; }
  /// By each of the row's threads, of which the one that wrote the target's vector of N columns goes on.
  template <int N, typename T>
  __device__ void correct_target(T* row) const {
    const bool owner = target / N % static_cast<int>(blockDim.x) == static_cast<int>(threadIdx.x);
    if (owner && kind == Kind::counted) row[target] = T(at_target);
  }
};

/// The end of either kernel: the mean, by the block that ends last.
template <typename T>
__device__ void write_mean(const Arguments<T>& a, float row_loss, int counted, auto& partial) {
  TERN_SHARED(double, partial_total, 32);
  double total = 0;
  const float of_block = sum_of_rows(row_loss, partial);
  if (!sum_over_grid(of_block, a.partials(), &a.progress->arrivals, &total, partial_total)) return;
  if (thread_rank() != 0) return;
  *a.loss = counted > 0 ? static_cast<float>(total / counted) : 0.0f;
  a.progress->tickets = 0;
  a.progress->tally = 0;
}

template <typename T, int N, int V>
__global__ void __launch_bounds__(kThreadsFor<N, V>, kBlocksAtOnce<N>) cross_entropy_kernel(Arguments<T> a) {
  TERN_SHARED(float, partial_most, 32);
  TERN_SHARED(float, partial_sum, 32);
  TERN_SHARED(float, partial_shifted, 32);
  using Part = RowPart<T, N, V>;
  const std::int64_t row = row_of_thread();
  const int width = row < a.rows ? static_cast<int>(a.cols) : 0;
  Part part;
  part.load(a.logits + row * a.cols, width);  // an ignored row's, too, rather than wait for the target
  RowLoss of_row(a, row);
  const int read = of_row.kind == RowLoss::Kind::ignored ? 0 : width;
  const int counted = counted_rows(a);

  float most = -INFINITY, sum = 0, shifted = 0, exponential[V] = {};
  Part::for_each(read, [&](int i, int) { most = fmaxf(most, part[i]); });
  most = row_max(most, partial_most);
  Part::for_each(read, [&](int i, int) {
    exponential[i] = quick_exp(part[i] - most);
    sum += exponential[i];
    shifted += part[i] - most;
  });
  of_row.finish(a, most, row_sum(sum, partial_sum), counted);
  if (a.smoothing > 0) of_row.loss -= a.background * row_sum(shifted, partial_shifted);
  Part::store(a.dlogits + row * a.cols, width, [&](int i, int) { return of_row.gradient(exponential[i]); });
  of_row.template correct_target<N>(a.dlogits + row * a.cols);
  write_mean(a, of_row.loss, counted, partial_most);
}

template <typename T, int N>
__global__ void __launch_bounds__(kTileThreads<N>, 1) cross_entropy_tiles(Arguments<T> a, std::int64_t kept) {
  using Vectors = Vector<T, N>;
  using Tiles = TiledRow<T, N>;
  TERN_SHARED(float, partial_most, 32);
  TERN_SHARED(float, partial_sum, 32);
  TERN_DYNAMIC_SHARED(Vectors, shared);
  const std::int64_t row = blockIdx.x;
  RowLoss of_row(a, row);
  const bool ignored = of_row.kind == RowLoss::Kind::ignored;
  const Tiles tiles{a.logits + row * a.cols, row < a.rows ? a.cols : 0, kept, 0};
  OnlineSoftmax online;
  for (std::int64_t start = 0; start < tiles.cols && !ignored; start += Tiles::tile()) {
    online.add(tiles.load(start, shared), tiles.width(start));
  }
  online.combine(partial_most, partial_sum);
  const int counted = counted_rows(a);
  of_row.finish(a, online.most, online.sum, counted);

  float shifted = 0;
  for (std::int64_t start = tiles.last(); start >= 0; start -= Tiles::tile()) {
    T* const to = a.dlogits + row * a.cols + start;
    if (ignored) {
      Tiles::Part::store(to, tiles.width(start), [](int, int) { return 0.0f; });
      continue;
    }
    const auto part = tiles.load_again(start, shared);
    part.store(to, tiles.width(start), [&](int i, int) {
      const float below = part[i] - online.most;
      shifted += below;
      return of_row.gradient(quick_exp(below));
    });
  }
  of_row.template correct_target<N>(a.dlogits + row * a.cols);
  if (a.smoothing > 0) of_row.loss -= a.background * row_sum(shifted, partial_most);
  write_mean(a, of_row.loss, counted, partial_sum);
}

}  // namespace

std::size_t cross_entropy_workspace_bytes(std::int64_t rows) {
  return sizeof(Progress) + sizeof(float) * static_cast<std::size_t>(rows > 0 ? rows : 1);
}

template <typename T>
void cross_entropy(const T* logits, const std::int32_t* targets, float label_smoothing,
                   std::int32_t ignore_index, float* loss, T* dlogits, void* workspace, std::int64_t rows,
                   std::int64_t cols, Stream stream) {
  const Arguments<T> arguments{
      logits,       targets, label_smoothing, label_smoothing / static_cast<float>(cols),
      ignore_index, loss,    dlogits,         static_cast<Progress*>(workspace),
      rows,         cols};
  with_row_path<T>(vectorizes(cols, logits, dlogits), cols, [&](auto n, auto v) {
    constexpr int N = n(), V = v();
    // Without rows a block is still needed: the mean of nothing is 0.
    const int threads = std::min(kRowsBlock, kThreadsFor<N, V>);
    const RowShape shape = row_shape<T, N>(std::max<std::int64_t>(rows, 1), cols, 1, threads);
    if constexpr (V > 0) {
      launch(cross_entropy_kernel<T, N, V>, shape.grid, shape.block, 0, stream, arguments);
    } else {
      launch(cross_entropy_tiles<T, N>, shape.grid, shape.block, shape.kept * sizeof(Vector<T, N>), stream,
             arguments, shape.kept);
    }
  });
}

#define TERN_INSTANTIATE(T)                                                                          \
  template void cross_entropy(const T*, const std::int32_t*, float, std::int32_t, float*, T*, void*, \
                              std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
