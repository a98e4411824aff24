// Two launches in training: statistics (reads x), then y (reads x again, and the residual). One where a block can have all rows
// of its channels, since there are few. One in inference.
//
// Statistics: a thread takes 4 rows at a time, computes their mean and squared deviations, and merges them
// into its running ones by Chan's formula, which also merges threads and blocks (kernels/common/columns.h).
// All of it works on x - x[0], the difference to the first row, so that a mean far from 0 costs no precision:
// it is added, and rounded, once at the end.
#include "kernels/batch_norm.h"

#include "kernels/common/columns.h"
#include "kernels/common/kernel.h"

namespace tern::kernels {
namespace {

/// Merges [count, mean, sum of squared deviations from the mean] by Chan's formula. The products are ordered
/// so that none overflows unless the result does.
struct MergeMoments {
  __device__ void operator()(float (&a)[3], const float (&b)[3]) const {
    if (b[0] == 0) return;
    const float count = a[0] + b[0], weight = b[0] / count, delta = b[1] - a[1];
    a[2] += b[2] + delta * (delta * (a[0] * weight));
    a[1] += delta * weight;
    a[0] = count;
  }
};

/// Adds R rows to this thread's moments.
template <int R, int V, typename T>
__device__ void add_rows(const Vector<T, V> (&rows)[R], const float (&shift)[V], float& count,
                         float (&mean)[V], float (&squares)[V]) {
  const float total = count + R, weight = R / total;
  for (int v = 0; v < V; ++v) {
    float value[R], sum = 0;
    for (int r = 0; r < R; ++r) {
      value[r] = float_at(rows[r], v) - shift[v];
      sum += value[r];
    }
    const float mean_of_rows = sum * (1.0f / R), delta = mean_of_rows - mean[v];
    for (int r = 0; r < R; ++r) squares[v] += (value[r] - mean_of_rows) * (value[r] - mean_of_rows);
    squares[v] += delta * (delta * (count * weight));
    mean[v] += delta * weight;
  }
  count = total;
}

/// Where the statistics of the batch are written.
struct Statistics {
  float epsilon, momentum;
  float *running_mean, *running_variance, *mean, *inverse_std;

  __device__ void write(std::int64_t column, float batch_mean, float squares, float rows) const {
    const float variance = squares / rows;
    mean[column] = batch_mean;
    inverse_std[column] = 1 / sqrtf(variance + epsilon);
    running_mean[column] = (1 - momentum) * running_mean[column] + momentum * batch_mean;
    running_variance[column] = (1 - momentum) * running_variance[column] + momentum * (squares / (rows - 1));
  }
};

/// This thread's rows of the tile: [count, mean, squared deviations] of x - x[0].
template <int V, typename T>
__device__ void sum_moments(const ColumnPart& part, const T* x, float (&partial)[V][3]) {
  float shift[V] = {}, mean[V] = {}, squares[V] = {}, count = 0;
  if (part.inside) {
    const Vector<T, V> first = load_vector<V>(x + part.column);
    for (int v = 0; v < V; ++v) shift[v] = static_cast<float>(first[v]);
  }
  part.for_rows<4>([&](auto together, std::int64_t at) {
    constexpr int R = decltype(together)::value;
    Vector<T, V> in[R];
    for (int r = 0; r < R; ++r) in[r] = load_vector<V>(x + at + r * part.stride);
    add_rows<R, V>(in, shift, count, mean, squares);
  });
  for (int v = 0; v < V; ++v) {
    partial[v][0] = count;
    partial[v][1] = mean[v];
    partial[v][2] = squares[v];
  }
}

template <int V, typename T>
__global__ void __launch_bounds__(kColumnThreads, 2)
    statistics_kernel(const T* x, Statistics statistics, ColumnWorkspace workspace, std::int64_t rows,
                      std::int64_t cols, std::int64_t rows_per_slice) {
  TERN_SHARED(float, shared, (kColumnShared<3, V>));
  const ColumnPart part(V, rows, cols, rows_per_slice);
  float partial[V][3];
  sum_moments(part, x, partial);
  const auto finish = [&](std::int64_t column, const float(&moments)[3]) {
    statistics.write(column, static_cast<float>(x[column]) + moments[1], moments[2],
                     static_cast<float>(rows));
  };
  reduce_columns(partial, MergeMoments{}, cols, workspace, shared, finish);
}

/// The parameters of (x - mean) gamma inverse_std + beta, per channel.
struct Normalization {
  const float *gamma, *beta, *mean;
  const float* spread;  ///< the variance, or inverse_std
  bool is_variance;     ///< which of the two
  float epsilon;
};

/// y for this thread's rows. Loads as many rows together as registers allow while four blocks of 256 threads share a
/// multiprocessor.
template <int V, bool kResidual, typename T>
__device__ void normalize_rows(const ColumnPart& part, const T* x, const T* residual, T* y,
                               const Normalization& channels, bool relu) {
  if (!part.inside) return;
  float mean[V], scale[V], beta[V], gamma[V];
  load_floats(channels.mean + part.column, mean);
  load_floats(channels.spread + part.column, scale);
  load_floats(channels.gamma + part.column, gamma);
  load_floats(channels.beta + part.column, beta);
  for (int v = 0; v < V; ++v) {
    scale[v] = gamma[v] * (channels.is_variance ? 1 / sqrtf(scale[v] + channels.epsilon) : scale[v]);
  }
  part.for_rows<kResidual && V == 8 ? 2 : 4>([&](auto together, std::int64_t at) {
    constexpr int R = decltype(together)::value;
    Vector<T, V> in[R], added[R];
    for (int r = 0; r < R; ++r) in[r] = load_vector<V>(x + at + r * part.stride);
    for (int r = 0; r < R && kResidual; ++r) added[r] = load_vector<V>(residual + at + r * part.stride);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) {
        float value = (float_at(in[r], v) - mean[v]) * scale[v] + beta[v];
        if constexpr (kResidual) value += float_at(added[r], v);
        in[r][v] = T(relu && value < 0 ? 0.0f : value);  // NaN stays: a broken run must show
      }
      store_vector<V>(y + at + r * part.stride, in[r]);
    }
  });
}

template <int V, bool kResidual, typename T>
__global__ void __launch_bounds__(256, 4)
    normalize_kernel(const T* x, const T* residual, T* y, Normalization channels, bool relu,
                     std::int64_t rows, std::int64_t cols, std::int64_t rows_per_slice) {
  const ColumnPart part(V, rows, cols, rows_per_slice);
  normalize_rows<V, kResidual>(part, x, residual, y, channels, relu);
}

/// Both: a block has all rows of its channels. What it reads again is near it still, so x moves once.
template <int V, bool kResidual, typename T>
__global__ void __launch_bounds__(kColumnThreads)
    normalize_by_batch_kernel(const T* x, const T* residual, T* y, Statistics statistics,
                              Normalization channels, bool relu, std::int64_t rows, std::int64_t cols) {
  TERN_SHARED(float, shared, (kColumnShared<3, V>));
  const ColumnPart part(V, rows, cols, rows);
  float partial[V][3], moments[3];
  sum_moments(part, x, partial);
  merge_block(partial, MergeMoments{}, moments, shared);
  const int columns = static_cast<int>(blockDim.x) * V, rank = thread_rank();
  const std::int64_t column = std::int64_t{blockIdx.x} * columns + rank;
  if (rank < columns && column < cols) {
    statistics.write(column, static_cast<float>(x[column]) + moments[1], moments[2],
                     static_cast<float>(rows));
  }
  __syncthreads();  // before y, which may be x, is written
  normalize_rows<V, kResidual>(part, x, residual, y, channels, relu);
}

template <int V, typename T>
void normalize(const T* x, const T* residual, T* y, const Normalization& channels, bool relu,
               std::int64_t rows, std::int64_t cols, Stream stream) {
  const ColumnPartition partition = partition_columns(rows, ceil_div(cols, V), 256, 32, 2048, 4);
  launch(residual == nullptr ? normalize_kernel<V, false, T> : normalize_kernel<V, true, T>, partition.grid(),
         partition.block(), 0, stream, x, residual, y, channels, relu, rows, cols, partition.rows_per_slice);
}

}  // namespace

std::size_t batch_norm_workspace_bytes(std::int64_t rows, std::int64_t channels) {
  return column_workspace_bytes(3, rows, channels);
}

template <typename T>
void batch_norm_training(const T* x, const float* gamma, const float* beta, const T* residual, bool relu,
                         float epsilon, float momentum, float* running_mean, float* running_variance,
                         float* mean, float* inverse_std, T* y, void* workspace, std::int64_t rows,
                         std::int64_t channels, Stream stream, std::int64_t one_launch_rows) {
  if (rows == 0 || channels == 0) return;
  const Statistics statistics{epsilon, momentum, running_mean, running_variance, mean, inverse_std};
  const Normalization normalization{gamma, beta, mean, inverse_std, false, epsilon};
  const auto run = [&]<int V>(std::integral_constant<int, V>) {
    if (rows <= one_launch_rows) {
      const ColumnPartition whole = partition_for_whole_columns<V, T>(rows, channels);
      auto* const kernel = residual == nullptr ? normalize_by_batch_kernel<V, false, T>
                                               : normalize_by_batch_kernel<V, true, T>;
      return launch(kernel, whole.grid(), whole.block(), 0, stream, x, residual, y, statistics, normalization,
                    relu, rows, channels);
    }
    const ColumnPartition partition = partition_for_reduction<V>(rows, channels);
    launch(statistics_kernel<V, T>, partition.grid(), partition.block(), 0, stream, x, statistics,
           ColumnWorkspace(workspace), rows, channels, partition.rows_per_slice);
    normalize<V>(x, residual, y, normalization, relu, rows, channels, stream);
  };
  if (vectorizes(channels, x, residual, y, gamma, beta, mean, inverse_std)) {
    run(std::integral_constant<int, kVectorWidth<T>>{});
  } else {
    run(std::integral_constant<int, 1>{});
  }
}

template <typename T>
void batch_norm_inference(const T* x, const float* gamma, const float* beta, const T* residual, bool relu,
                          float epsilon, const float* running_mean, const float* running_variance, T* y,
                          std::int64_t rows, std::int64_t channels, Stream stream) {
  if (rows == 0 || channels == 0) return;
  const Normalization normalization{gamma, beta, running_mean, running_variance, true, epsilon};
  if (vectorizes(channels, x, residual, y, gamma, beta, running_mean, running_variance)) {
    normalize<kVectorWidth<T>>(x, residual, y, normalization, relu, rows, channels, stream);
  } else {
    normalize<1>(x, residual, y, normalization, relu, rows, channels, stream);
  }
}

#define TERN_INSTANTIATE(T)                                                                                \
  template void batch_norm_training(const T*, const float*, const float*, const T*, bool, float, float,    \
                                    float*, float*, float*, float*, T*, void*, std::int64_t, std::int64_t, \
                                    Stream, std::int64_t);                                                 \
  template void batch_norm_inference(const T*, const float*, const float*, const T*, bool, float,          \
                                     const float*, const float*, T*, std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
