// The loops of a kernel over rows, written once: a formula needs sums over a row, then computes each element
// of that row from them. It is written against a Row, which is one of two:
//
//   RowInRegisters   a row that fits the registers of a block: loaded once, then used as often as wanted.
//   RowInTiles       a wider row: streamed through the registers tile by tile. The first pass keeps as much
//                    as fits in shared memory; the second goes backwards, since what was read last is still
//                    in the L2 cache, and reads from memory only what is in neither.
//
// Such kernels are bound by bandwidth, so a row should be read once. Registers hold the most (256 KiB per
// multiprocessor) and cost no instructions to reach; a loop over tiles can have any length.
//
//   struct Formula {
//     template <typename Row>
//     __device__ void operator()(const Row& row) const {
//       TERN_SHARED(float, partial, 32);
//       float sum = 0;
//       row.for_each([&](int, float y, float dy) { sum += y * dy; });  // the values of both inputs
//       sum = row_sum(sum, partial);
//       row.store(dx, [&](int, float y, float dy) { return y * (dy - sum); });
//     }
//   };
//   launch_rows(RowInputs<T, 2>{{y, dy}, rows, cols}, formula, vectorizes(cols, y, dy, dx), stream);
//
// A thread reads the inputs at a place before it writes there, and no other thread does: outputs may alias
// inputs.
#pragma once

#include <algorithm>

#include "kernels/common/row_fragment.h"
#include "kernels/common/row_partition.h"

namespace tern::kernels {

/// Matrices [rows, cols] of which a formula gets the same row.
template <typename T, int kInputs>
struct RowInputs {
  const T* data[kInputs];
  std::int64_t rows, cols;
};

/// body(n) for each input. No loop: the compiler then shares addresses between the inputs.
template <int kInputs, typename Body>
__device__ void for_each_input(Body body) {
  static_assert(kInputs == 1 || kInputs == 2);
  body(0);
  if constexpr (kInputs == 2) body(1);
}
/// f(i, x) or f(i, x, y): the i-th value of each input's fragment.
template <typename Fragment, int kInputs, typename F>
__device__ auto call_with_values(F& f, const Fragment (&inputs)[kInputs], int i) {
  if constexpr (kInputs == 1) {
    return f(i, inputs[0][i]);
  } else {
    return f(i, inputs[0][i], inputs[1][i]);
  }
}

template <typename T, int N, int V, int kInputs>
class RowInRegisters {
 public:
  using Fragment = RowFragment<T, N, V>;
  static constexpr bool kInRegisters = true;
  static constexpr int kVector = N;

  __device__ explicit RowInRegisters(const RowInputs<T, kInputs>& in)
      : in_(in), index_(row_of_thread()), width_(exists() ? static_cast<int>(in.cols) : 0) {
    if (width_ <= 0) return;  // one branch for the loads of all inputs
    for_each_input<kInputs>([&](int n) { inputs_[n].load(in.data[n] + begin(), width_); });
  }
  __device__ std::int64_t index() const { return index_; }
  /// False for threads beyond the last row, which still take part in their block's barriers.
  __device__ bool exists() const { return index_ < in_.rows; }

  /// Calls visit(i, value of each input) for this thread's columns; i, a constant, numbers them.
  template <typename Visit>
  __device__ void for_each(Visit visit) const {
    Fragment::for_each(width_, [&](int i, int) { call_with_values(visit, inputs_, i); });
  }
  /// Sets y's row to value(i, value of each input).
  template <typename Value>
  __device__ void store(T* y, Value value) const {
    Fragment::store(y + begin(), width_, [&](int i, int) { return call_with_values(value, inputs_, i); });
  }
  /// The same, or zeros if asked: then the row's values do not matter.
  template <typename Value>
  __device__ void store_or_zeros(bool zeros, T* y, Value value) const {
    store(y, [&](int i, auto... x) { return zeros ? 0.0f : value(i, x...); });
  }

 private:
  __device__ std::int64_t begin() const { return index_ * in_.cols; }

  const RowInputs<T, kInputs>& in_;
  std::int64_t index_;
  int width_;
  Fragment inputs_[kInputs];
};

/// `Shared`: the array of vectors in shared memory; `kept` of each input stay there.
template <typename T, int N, int kInputs, typename Shared>
class RowInTiles {
 public:
  using Fragment = RowFragment<T, N, kShortFragment, /*kTile=*/true>;
  static constexpr bool kInRegisters = false;
  static constexpr int kVector = N;

  __device__ RowInTiles(const RowInputs<T, kInputs>& in, std::int64_t kept, Shared& shared)
      : in_(in), kept_(kept), shared_(shared) {}
  __device__ std::int64_t index() const { return blockIdx.x; }
  __device__ bool exists() const { return blockIdx.x < in_.rows; }

  /// visit(fragment, width) for each tile of the only input: for the first pass.
  template <typename Visit>
  __device__ void for_each_tile(Visit visit) const {
    static_assert(kInputs == 1);
    for (std::int64_t start = 0; start < in_.cols; start += tile()) visit(load(0, start), width(start));
  }
  /// As RowInRegisters::for_each: for the first pass.
  template <typename Visit>
  __device__ void for_each(Visit visit) const {
    for (std::int64_t start = 0; start < in_.cols; start += tile()) {
      Fragment inputs[kInputs];
      for_each_input<kInputs>([&](int n) { inputs[n] = load(n, start); });
      Fragment::for_each(width(start), [&](int i, int) { call_with_values(visit, inputs, i); });
    }
  }
  /// As RowInRegisters's: the second pass, unless the row is set to zeros, which reads nothing.
  template <typename Value>
  __device__ void store(T* y, Value value) const {
    store_or_zeros(false, y, value);
  }
  template <typename Value>
  __device__ void store_or_zeros(bool zeros, T* y, Value value) const {
    if (!exists()) return;
    for (std::int64_t start = last_tile(); start >= 0; start -= tile()) {
      T* const to = y + begin() + start;
      if (zeros) {
        Fragment::store(to, width(start), [](int, int) { return 0.0f; });
        continue;
      }
      Fragment inputs[kInputs];
      for_each_input<kInputs>([&](int n) { inputs[n] = load_again(n, start); });
      Fragment::store(to, width(start), [&](int i, int) { return call_with_values(value, inputs, i); });
    }
  }

 private:
  __device__ std::int64_t begin() const { return blockIdx.x * in_.cols; }
  __device__ static std::int64_t tile() { return std::int64_t{blockDim.x} * kShortFragment; }
  __device__ std::int64_t last_tile() const { return (in_.cols - 1) / tile() * tile(); }
  __device__ int width(std::int64_t start) const {
    return static_cast<int>(in_.cols - start < tile() ? in_.cols - start : tile());
  }
  /// Reads a tile from memory, and keeps in shared memory what has a place there.
  __device__ Fragment load(int input, std::int64_t start) const {
    Fragment fragment;
    fragment.load(in_.data[input] + begin() + start, width(start));
    TERN_UNROLL
    for (int k = 0; k < Fragment::kVectors; ++k) {
      const std::int64_t place = (start + Fragment::column(k)) / N;
      if (place < kept_ && Fragment::column(k) < width(start)) {
        shared_[input * kept_ + place] = fragment.vectors[k];
      }
    }
    return fragment;
  }
  /// The same tile, from shared memory if it is there.
  __device__ Fragment load_again(int input, std::int64_t start) const {
    Fragment fragment;
    TERN_UNROLL
    for (int k = 0; k < Fragment::kVectors; ++k) {
      if (Fragment::column(k) >= width(start)) continue;
      const std::int64_t place = (start + Fragment::column(k)) / N;
      if (place < kept_) {
        fragment.vectors[k] = shared_[input * kept_ + place];
      } else {
        fragment.vectors[k] = load_vector<N>(in_.data[input] + begin() + start + Fragment::column(k));
      }
    }
    return fragment;
  }

  const RowInputs<T, kInputs>& in_;
  std::int64_t kept_;
  Shared& shared_;
};

template <int N, int V, typename T, int kInputs, typename Formula>
__global__ void __launch_bounds__(kMaxThreads<N, V>, kMinBlocks<N>)
    rows_in_registers(RowInputs<T, kInputs> in, Formula formula) {
  formula(RowInRegisters<T, N, V, kInputs>(in));
}

template <int N, typename T, int kInputs, typename Formula>
__global__ void __launch_bounds__(kMaxTileThreads<N>)
    rows_in_tiles(RowInputs<T, kInputs> in, Formula formula, std::int64_t kept) {
  using Vectors = Vector<T, N>;
  TERN_DYNAMIC_SHARED(Vectors, shared);
  formula(RowInTiles<T, N, kInputs, std::remove_reference_t<decltype(shared)>>(in, kept, shared));
}

/// Runs formula(row) for every row. `vectorized`: every row of the inputs and of what the formula stores
/// begins on 16 bytes. Without rows, one block runs with rows that do not exist. `threads`: of a block that
/// has several rows, at most.
template <typename T, int kInputs, typename Formula>
void launch_rows(const RowInputs<T, kInputs>& in, const Formula& formula, bool vectorized, Stream stream,
                 int threads = kSharedBlockThreads) {
  with_row_widths<T>(vectorized, in.cols, [&](auto n, auto v) {
    constexpr int N = n(), V = v();
    const RowPartition partition = partition_rows<T, N>(std::max<std::int64_t>(in.rows, 1), in.cols, kInputs,
                                                        std::min(threads, kMaxThreads<N, V>));
    if constexpr (V > 0) {
      launch(rows_in_registers<N, V, T, kInputs, Formula>, partition.grid, partition.block, 0, stream, in,
             formula);
    } else {
      launch(rows_in_tiles<N, T, kInputs, Formula>, partition.grid, partition.block,
             kInputs * partition.kept * sizeof(Vector<T, N>), stream, in, formula, partition.kept);
    }
  });
}

}  // namespace tern::kernels
