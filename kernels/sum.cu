// Bound by bandwidth: 16 bytes per load where pointers and columns allow.
#include "kernels/sum.h"

#include "kernels/common/columns.h"
#include "kernels/common/kernel.h"

namespace tern::kernels {
namespace {

template <int V, typename T>
__global__ void __launch_bounds__(kColumnThreads, 2)
    sum_rows_kernel(const T* x, float* sum, ColumnWorkspace workspace, std::int64_t rows, std::int64_t cols,
                    std::int64_t rows_per_slice) {
  TERN_SHARED(float, shared, (kColumnShared<1, V>));
  const ColumnPart part(V, rows, cols, rows_per_slice);
  float partial[V][1] = {};
  part.for_rows<4>([&](auto together, std::int64_t at) {
    constexpr int R = decltype(together)::value;
    Vector<T, V> in[R];
    for (int r = 0; r < R; ++r) in[r] = load_vector<V>(x + at + r * part.stride);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) partial[v][0] += float_at(in[r], v);
    }
  });
  const auto finish = [&](std::int64_t column, const float(&total)[1]) { sum[column] = total[0]; };
  reduce_columns(partial, MergeSums<1>{}, cols, workspace, shared, finish);
}

template <int V, typename T>
void launch_sum_rows(const T* x, float* sum, void* workspace, std::int64_t rows, std::int64_t cols,
                     Stream stream) {
  const ColumnPartition partition = partition_for_reduction<V>(rows, cols);
  launch(sum_rows_kernel<V, T>, partition.grid(), partition.block(), 0, stream, x, sum,
         ColumnWorkspace(workspace), rows, cols, partition.rows_per_slice);
}

}  // namespace

std::size_t sum_rows_workspace_bytes(std::int64_t rows, std::int64_t cols) {
  return column_workspace_bytes(1, rows, cols);
}

template <typename T>
void sum_rows(const T* x, float* sum, void* workspace, std::int64_t rows, std::int64_t cols, Stream stream) {
  if (cols == 0) return;
  if (vectorizes(cols, x)) {
    launch_sum_rows<kVectorWidth<T>>(x, sum, workspace, rows, cols, stream);
  } else {
    launch_sum_rows<1>(x, sum, workspace, rows, cols, stream);
  }
}

#define TERN_INSTANTIATE(T) \
  template void sum_rows(const T*, float*, void*, std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
