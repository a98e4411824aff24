// Two launches: the sums over rows (dbeta, dgamma), then dx; or one, where a block can have all rows of its channels. Where
// ReLU was right behind the normalisation, both compute its input from x, as the forward kernel does, and need not read y. With
// a residual the first of two writes g, and the second reads g instead of dy and y. The sums are f32, merged in a fixed order
// (kernels/common/columns.h).
#include "kernels/batch_norm.h"
#include "kernels/common/columns.h"
#include "kernels/common/kernel.h"

namespace tern::kernels {
namespace {

template <typename T>
struct Gradient {
  const T *x, *y, *dy;                             ///< y null: no ReLU, or the mask follows from x
  const float *gamma, *beta, *mean, *inverse_std;  ///< beta null unless the mask follows from x
  float *dgamma, *dbeta;
  std::int64_t rows, cols;
};

/// g = dy, or 0 where y <= 0.
template <int R, int V, typename T>
__device__ void load_masked(const T* dy, const T* y, std::int64_t at, std::int64_t stride,
                            Vector<T, V> (&g)[R]) {
  for (int r = 0; r < R; ++r) g[r] = load_vector<V>(dy + at + r * stride);
  if (y == nullptr) return;
  Vector<T, V> mask[R];
  for (int r = 0; r < R; ++r) mask[r] = load_vector<V>(y + at + r * stride);
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      if (float_at(mask[r], v) <= 0) g[r][v] = T(0.0f);
    }
  }
}

/// g, or 0 where ReLU's input was 0 or less: scale is gamma inverse_std.
__device__ inline float masked_by_input(float g, float x, float mean, float scale, float beta) {
  return (x - mean) * scale + beta <= 0 ? 0.0f : g;
}

template <int V, typename T>
__device__ void load_scale_and_beta(const Gradient<T>& in, std::int64_t column, float (&scale)[V],
                                    float (&beta)[V]) {
  float inverse_std[V];
  load_floats(in.gamma + column, scale);
  load_floats(in.inverse_std + column, inverse_std);
  load_floats(in.beta + column, beta);
  for (int v = 0; v < V; ++v) scale[v] *= inverse_std[v];
}

/// Rows that are loaded together: as many as registers allow, of which the mask's channels take some.
template <int V, bool kMaskFromX>
inline constexpr int kTogether = (V == 8 ? 2 : 4) / (kMaskFromX && V > 1 ? 2 : 1);

/// This thread's rows of the tile: sums of g and of g (x - mean). Writes g where dresidual is not null.
template <int V, bool kMaskFromX, typename T>
__device__ void sum_gradients(const ColumnPart& part, const Gradient<T>& in, T* dresidual,
                              float (&partial)[V][2]) {
  float mean[V] = {}, scale[V] = {}, beta[V] = {};
  if (part.inside) load_floats(in.mean + part.column, mean);
  if (kMaskFromX && part.inside) load_scale_and_beta(in, part.column, scale, beta);
  part.for_rows<kTogether<V, kMaskFromX>>([&](auto together, std::int64_t at) {
    constexpr int R = decltype(together)::value;
    Vector<T, V> x[R], g[R];
    for (int r = 0; r < R; ++r) x[r] = load_vector<V>(in.x + at + r * part.stride);
    load_masked(in.dy, in.y, at, part.stride, g);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) {
        const float of_x = float_at(x[r], v);
        float value = float_at(g[r], v);
        if (kMaskFromX) value = masked_by_input(value, of_x, mean[v], scale[v], beta[v]);
        partial[v][0] += value;
        partial[v][1] += value * (of_x - mean[v]);
        if (kMaskFromX && dresidual != nullptr) g[r][v] = T(value);
      }
      if (dresidual != nullptr) store_vector<V>(dresidual + at + r * part.stride, g[r]);
    }
  });
}

template <int V, bool kMaskFromX, typename T>
__global__ void __launch_bounds__(kColumnThreads, 2)
    gradient_sums_kernel(Gradient<T> in, T* dresidual, ColumnWorkspace workspace,
                         std::int64_t rows_per_slice) {
  TERN_SHARED(float, shared, (kColumnShared<2, V>));
  const ColumnPart part(V, in.rows, in.cols, rows_per_slice);
  float partial[V][2] = {};
  sum_gradients<V, kMaskFromX>(part, in, dresidual, partial);
  const auto finish = [&](std::int64_t column, const float(&sums)[2]) {
    in.dbeta[column] = sums[0];
    in.dgamma[column] = sums[1] * in.inverse_std[column];
  };
  reduce_columns(partial, MergeSums<2>{}, in.cols, workspace, shared, finish);
}

/// dx = g_scale g + x_scale (x - mean) + offset per channel, for this thread's rows; x_scale and offset are 0 without batch
/// statistics. Writes g where dresidual is not null.
template <int V, bool kBatchStatistics, bool kMaskFromX, typename T>
__device__ void write_gradients(const ColumnPart& part, const Gradient<T>& in, T* dx, T* dresidual) {
  if (!part.inside) return;
  static_assert(kBatchStatistics || !kMaskFromX);  // else nothing reads x
  float mean[V], g_scale[V], x_scale[V], offset[V], beta[V];
  load_floats(in.gamma + part.column, offset);
  load_floats(in.inverse_std + part.column, g_scale);
  if constexpr (kBatchStatistics) load_floats(in.dgamma + part.column, x_scale);
  for (int v = 0; v < V; ++v) {
    if constexpr (kBatchStatistics) x_scale[v] *= g_scale[v];
    g_scale[v] *= offset[v];
  }
  if constexpr (kMaskFromX) load_floats(in.beta + part.column, beta);
  if constexpr (kBatchStatistics) {
    load_floats(in.mean + part.column, mean);
    load_floats(in.dbeta + part.column, offset);
    const float share = 1 / static_cast<float>(in.rows);
    for (int v = 0; v < V; ++v) {
      x_scale[v] *= -g_scale[v] * share;
      offset[v] *= -g_scale[v] * share;
    }
  }
  part.for_rows<kTogether<V, kMaskFromX>>([&](auto together, std::int64_t at) {
    constexpr int R = decltype(together)::value;
    Vector<T, V> x[R], g[R];
    for (int r = 0; r < R && kBatchStatistics; ++r) x[r] = load_vector<V>(in.x + at + r * part.stride);
    load_masked(in.dy, in.y, at, part.stride, g);
    for (int r = 0; r < R; ++r) {
      Vector<T, V> result;
      for (int v = 0; v < V; ++v) {
        float value = float_at(g[r], v);
        if constexpr (kMaskFromX) {
          value = masked_by_input(value, float_at(x[r], v), mean[v], g_scale[v], beta[v]);
          if (dresidual != nullptr) g[r][v] = T(value);
        }
        value *= g_scale[v];
        if constexpr (kBatchStatistics) {
          value += x_scale[v] * (float_at(x[r], v) - mean[v]) + offset[v];
        }
        result[v] = T(value);
      }
      if (dresidual != nullptr) store_vector<V>(dresidual + at + r * part.stride, g[r]);
      store_vector<V>(dx + at + r * part.stride, result);
    }
  });
}

template <int V, bool kBatchStatistics, bool kMaskFromX, typename T>
__global__ void __launch_bounds__(256, V == 4 ? 3 : 4)
    input_gradient_kernel(Gradient<T> in, T* dx, std::int64_t rows_per_slice) {
  const ColumnPart part(V, in.rows, in.cols, rows_per_slice);
  write_gradients<V, kBatchStatistics, kMaskFromX>(part, in, dx, static_cast<T*>(nullptr));
}

/// Both: a block has all rows of its channels. What it reads again is near it still, so x, dy and y move once.
template <int V, bool kBatchStatistics, bool kMaskFromX, typename T>
__global__ void __launch_bounds__(kColumnThreads) gradients_kernel(Gradient<T> in, T* dx, T* dresidual) {
  TERN_SHARED(float, shared, (kColumnShared<2, V>));
  const ColumnPart part(V, in.rows, in.cols, in.rows);
  float partial[V][2] = {}, sums[2];
  sum_gradients<V, kMaskFromX>(part, in, static_cast<T*>(nullptr), partial);
  merge_block(partial, MergeSums<2>{}, sums, shared);
  const int columns = static_cast<int>(blockDim.x) * V, rank = thread_rank();
  const std::int64_t column = std::int64_t{blockIdx.x} * columns + rank;
  if (rank < columns && column < in.cols) {
    in.dbeta[column] = sums[0];
    in.dgamma[column] = sums[1] * in.inverse_std[column];
  }
  __syncthreads();  // before dx or dresidual, which may be dy, is written
  write_gradients<V, kBatchStatistics, kMaskFromX>(part, in, dx, dresidual);
}

template <int V, bool kMaskFromX, typename T>
void backward_in_two(Gradient<T> in, bool batch_statistics, T* dx, T* dresidual, void* workspace,
                     Stream stream) {
  const ColumnPartition sums = partition_for_reduction<V>(in.rows, in.cols);
  launch(gradient_sums_kernel<V, kMaskFromX, T>, sums.grid(), sums.block(), 0, stream, in, dresidual,
         ColumnWorkspace(workspace), sums.rows_per_slice);
  if (dresidual != nullptr) {  // it holds g now
    in.dy = dresidual;
    in.y = nullptr;
  }
  const ColumnPartition partition = partition_columns(in.rows, ceil_div(in.cols, V), 256, 32, 2048, 4);
  auto* kernel = input_gradient_kernel<V, true, kMaskFromX, T>;
  if constexpr (!kMaskFromX) {
    if (!batch_statistics) kernel = input_gradient_kernel<V, false, false, T>;
  }
  launch(kernel, partition.grid(), partition.block(), 0, stream, in, dx, partition.rows_per_slice);
}

template <int V, bool kMaskFromX, typename T>
void backward_in_one(const Gradient<T>& in, bool batch_statistics, T* dx, T* dresidual, Stream stream) {
  const ColumnPartition whole = partition_for_whole_columns<V, T>(in.rows, in.cols);
  auto* kernel = gradients_kernel<V, true, kMaskFromX, T>;
  if constexpr (!kMaskFromX) {
    if (!batch_statistics) kernel = gradients_kernel<V, false, false, T>;
  }
  launch(kernel, whole.grid(), whole.block(), 0, stream, in, dx, dresidual);
}

template <int V, bool kMaskFromX, typename T>
void backward(const Gradient<T>& in, bool batch_statistics, T* dx, T* dresidual, void* workspace,
              Stream stream, std::int64_t one_launch_rows) {
  if (in.rows <= one_launch_rows)
    backward_in_one<V, kMaskFromX>(in, batch_statistics, dx, dresidual, stream);
  else
    backward_in_two<V, kMaskFromX>(in, batch_statistics, dx, dresidual, workspace, stream);
}

template <int V, typename T>
void backward(const Gradient<T>& in, bool batch_statistics, T* dx, T* dresidual, void* workspace,
              Stream stream, std::int64_t one_launch_rows) {
  if (in.beta != nullptr)
    backward<V, true>(in, batch_statistics, dx, dresidual, workspace, stream, one_launch_rows);
  else
    backward<V, false>(in, batch_statistics, dx, dresidual, workspace, stream, one_launch_rows);
}

}  // namespace

template <typename T>
void batch_norm_backward(const T* x, const T* y, const T* dy, const float* gamma, const float* beta,
                         const float* mean, const float* inverse_std, bool batch_statistics, T* dx,
                         float* dgamma, float* dbeta, T* dresidual, void* workspace, std::int64_t rows,
                         std::int64_t channels, Stream stream, std::int64_t one_launch_rows) {
  if (channels == 0) return;
  const Gradient<T> in{x, y, dy, gamma, beta, mean, inverse_std, dgamma, dbeta, rows, channels};
  if (vectorizes(channels, x, y, dy, gamma, beta, mean, inverse_std, dx, dgamma, dbeta, dresidual)) {
    backward<kVectorWidth<T>>(in, batch_statistics, dx, dresidual, workspace, stream, one_launch_rows);
  } else {
    backward<1>(in, batch_statistics, dx, dresidual, workspace, stream, one_launch_rows);
  }
}

#define TERN_INSTANTIATE(T)                                                                                 \
  template void batch_norm_backward(const T*, const T*, const T*, const float*, const float*, const float*, \
                                    const float*, bool, T*, float*, float*, T*, void*, std::int64_t,        \
                                    std::int64_t, Stream, std::int64_t);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
