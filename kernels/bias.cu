// Bound by bandwidth: 16 bytes per load where pointers and columns allow; the bias stays in registers.
#include "kernels/bias.h"

#include "kernels/common/columns.h"
#include "kernels/common/kernel.h"

namespace tern::kernels {
namespace {

template <int V, typename T>
__global__ void __launch_bounds__(256) add_bias_kernel(const float* bias, T* y, std::int64_t rows,
                                                       std::int64_t cols, std::int64_t rows_per_slice) {
  const ColumnPart part(V, rows, cols, rows_per_slice);
  if (!part.inside) return;
  float added[V];
  load_floats(bias + part.column, added);
  part.for_rows<4>([&](auto together, std::int64_t at) {
    constexpr int R = decltype(together)::value;
    Vector<T, V> values[R];
    for (int r = 0; r < R; ++r) values[r] = load_vector<V>(y + at + r * part.stride);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) values[r][v] = T(float_at(values[r], v) + added[v]);
      store_vector<V>(y + at + r * part.stride, values[r]);
    }
  });
}

template <int V, typename T>
void launch_add_bias(const float* bias, T* y, std::int64_t rows, std::int64_t cols, Stream stream) {
  const ColumnPartition partition = partition_columns(rows, ceil_div(cols, V), 256, 32, 2048, 4);
  launch(add_bias_kernel<V, T>, partition.grid(), partition.block(), 0, stream, bias, y, rows, cols,
         partition.rows_per_slice);
}

}  // namespace

template <typename T>
void add_bias(const float* bias, T* y, std::int64_t rows, std::int64_t cols, Stream stream) {
  if (rows == 0 || cols == 0) return;
  if (vectorizes(cols, y, bias)) {
    launch_add_bias<kVectorWidth<T>>(bias, y, rows, cols, stream);
  } else {
    launch_add_bias<1>(bias, y, rows, cols, stream);
  }
}

#define TERN_INSTANTIATE(T) template void add_bias(const float*, T*, std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
