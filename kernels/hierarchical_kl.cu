// The divergence between p, the distribution of the parent head, and q, that which the child head implies;
// formulas and derivation are in engine/ops/hierarchical_kl.cpp. Here by logarithms, since f32 ends early:
// with a the parents' logits, b the children's, T the temperature, m_k the largest logit of k's children and
// S_k = sum_i exp((b_i - m_k) / T) over them,
//
//   log p_k = (a_k - max_k a_k) / T - log sum_k exp((a_k - max_k a_k) / T)
//   log Q_k = (m_k - M) / T + log S_k - log sum_k exp((m_k - M) / T) S_k      M = max_k m_k
//   w_k = Q_k dL/dQ_k      db_i = exp((b_i - m_k) / T) / S_k (w_k - Q_k sum_k w_k) / T
//
// so that no child's probability is divided by one that is too small for f32. Sums over k leave out parents
// without children.
//
// A warp per row, or a block if there are many classes. Children meet at their parents in shared memory. A row's logits
// are read once and stay in registers, unless there are many children: these are read again, from the cache.
#include "kernels/hierarchical_kl.h"

#include <string>

#include "kernels/common/kernel.h"
#include "kernels/common/parent_table.h"
#include "kernels/common/sum_over_grid.h"

namespace tern::kernels {
namespace {

constexpr std::int64_t kWarpParents = 64, kWarpChildren = 256;  // up to here a row has a warp, else a block
constexpr int kRowsPerBlock = 8;                                // of a warp each
constexpr int kBlockThreads = 256;                              // of a block that has one row
constexpr int kBatch = 4;                       // children of a thread that are loaded together
[[maybe_unused]] constexpr int kMinBlocks = 4;  // per multiprocessor: 64 registers a thread
constexpr std::size_t kCounterBytes = 16;       // of the workspace; a float per block follows
constexpr std::int64_t kMaxParents = 1024, kMaxChildren = 65535;

template <typename T>
struct Arguments {
  const T* parent_logits;
  const T* child_logits;
  const std::int32_t* child_to_parent;
  HierarchicalKlSettings settings;
  float* loss;
  T* dparent;
  T* dchild;
  unsigned* arrivals;
  float* partials;
  std::int64_t rows, parents, children;
};

/// The threads of a row.
template <bool kWarp>
struct RowThreads {
  __device__ static void sync() {
    if constexpr (kWarp) {
      __syncwarp();
    } else {
      __syncthreads();
    }
  }
  template <typename Combine>
  __device__ static float reduce(float value, float identity, Combine combine, auto& partial) {
    if constexpr (kWarp) {
      return warp_reduce(value, combine);
    } else {
      const float result = block_reduce(value, identity, combine, partial);
      __syncthreads();  // `partial` serves the next reduction, too
      return result;
    }
  }
  __device__ static float sum(float value, auto& partial) {
    return reduce(
        value, 0.0f, [](float a, float b) { return a + b; }, partial);
  }
  /// Ignores NaN: the sum that follows becomes NaN by itself.
  __device__ static float max(float value, auto& partial) {
    return reduce(
        value, -INFINITY, [](float a, float b) { return fmaxf(a, b); }, partial);
  }
};

/// One row and the constants of its formulas.
template <typename T>
struct Row {
  const Arguments<T>& a;
  const T *parent_logits, *child_logits;
  T *dparent, *dchild;
  int parents, children;
  float epsilon, inverse_temperature;
  float scale;            ///< of both gradients: factor / (rows T)
  float first_logit = 0;  ///< of parent threadIdx.x, loaded before anything waits

  __device__ Row(const Arguments<T>& arguments, std::int64_t row)
      : a(arguments),
        parent_logits(a.parent_logits + row * a.parents),
        child_logits(a.child_logits + row * a.children),
        dparent(a.dparent + row * a.parents),
        dchild(a.dchild + row * a.children),
        parents(static_cast<int>(a.parents)),
        children(static_cast<int>(a.children)),
        epsilon(a.settings.epsilon),
        inverse_temperature(1 / a.settings.temperature),
        scale(a.settings.factor / static_cast<float>(a.rows) * inverse_temperature) {
    if (static_cast<int>(threadIdx.x) < parents) first_logit = static_cast<float>(parent_logits[threadIdx.x]);
  }
  __device__ float parent_logit(int k) const {
    return k == static_cast<int>(threadIdx.x) ? first_logit : static_cast<float>(parent_logits[k]);
  }
  /// exp((b_i - m_k) / T); 0 where m_k is infinite or NaN: S_k is then left at 0, and m_k alone decides.
  __device__ float exponential(float child_logit, float max) const {
    return fabsf(max) < INFINITY ? expf((child_logit - max) * inverse_temperature) : 0;
  }
};

/// visit(k) for this thread's parents that have children.
template <typename Table, typename Visit>
__device__ void for_each_parent(const Table& table, Visit visit) {
  for (int k = static_cast<int>(threadIdx.x); k < table.parents; k += static_cast<int>(blockDim.x)) {
    if (table.has_children(k)) visit(k);
  }
}
/// kBatch children of a thread, as far as there are as many: every blockDim.x-th, so that a warp loads neighbours.
struct Children {
  int parents[kBatch];   ///< -1: none
  float values[kBatch];  ///< logits, until something else is made of them

  template <typename T>
  __device__ void load(const Row<T>& row, int first) {
    TERN_UNROLL
    for (int j = 0; j < kBatch; ++j) {
      const int i = first + j * static_cast<int>(blockDim.x);
      parents[j] = i < row.children ? row.a.child_to_parent[i] : -1;
      values[j] = i < row.children ? static_cast<float>(row.child_logits[i]) : 0;
    }
  }
  template <typename T, typename Visit>
  __device__ void for_each(const Row<T>& row, int first, Visit visit) {
    TERN_UNROLL
    for (int j = 0; j < kBatch; ++j) {
      const int i = first + j * static_cast<int>(blockDim.x);
      if (i < row.children) visit(i, parents[j] < row.parents ? parents[j] : -1, values[j]);
    }
  }
};

/// visit(i, k, value) for this thread's children; k is -1 for those without a parent. If they are kept, the value is what
/// the last visit made of it, else b_i each time.
template <bool kKept, typename T, typename Visit>
__device__ void for_each_child(const Row<T>& row, Children& kept, Visit visit) {
  if constexpr (kKept) {
    kept.for_each(row, static_cast<int>(threadIdx.x), visit);
  } else {
    const int threads = static_cast<int>(blockDim.x);
    for (int first = static_cast<int>(threadIdx.x); first < row.children; first += kBatch * threads) {
      Children batch;
      batch.load(row, first);
      batch.for_each(row, first, visit);
    }
  }
}

/// m_k and S_k of every parent; values that are kept become exp((b_i - m_k) / T).
template <typename Threads, bool kKept, typename T, typename Table>
__device__ void gather(const Row<T>& row, Children& children, const Table& table) {
  for (int k = static_cast<int>(threadIdx.x); k < row.parents; k += static_cast<int>(blockDim.x)) {
    table.clear(k);
  }
  Threads::sync();
  for_each_child<kKept>(row, children, [&](int, int k, float logit) {
    if (k >= 0) table.raise_max(k, logit);
  });
  Threads::sync();
  for_each_child<kKept>(row, children, [&](int, int k, float& value) {
    if (k < 0) return;
    value = row.exponential(value, table.max(k));
    table.add(k, value);
  });
  Threads::sync();
}

/// Of both softmaxes: the largest logit, and the logarithm of the sum of exponentials relative to it.
struct Normalizers {
  float parent_max = -INFINITY, parent_log_sum = 0;
  float child_max = -INFINITY, child_log_sum = 0;
};
template <typename Threads, typename T, typename Table>
__device__ Normalizers normalize(const Row<T>& row, const Table& table, auto& partial) {
  Normalizers n;
  for_each_parent(table, [&](int k) {
    n.parent_max = fmaxf(n.parent_max, row.parent_logit(k));
    n.child_max = fmaxf(n.child_max, table.max(k));
  });
  n.parent_max = Threads::max(n.parent_max, partial);
  n.child_max = Threads::max(n.child_max, partial);
  float parent_sum = 0, child_sum = 0;
  for_each_parent(table, [&](int k) {
    parent_sum += expf((row.parent_logit(k) - n.parent_max) * row.inverse_temperature);
    child_sum += expf((table.max(k) - n.child_max) * row.inverse_temperature) * table.sum(k);
  });
  n.parent_log_sum = logf(Threads::sum(parent_sum, partial));
  n.child_log_sum = logf(Threads::sum(child_sum, partial));
  return n;
}

/// What parent k contributes, with e = epsilon:
///
///   q_k = Q_k / (1 + e) + e
///   KL(p || q)   divergence p_k (log p_k - log q_k)   w_k = -p_k (Q_k / (1 + e)) / q_k
///   KL(q || p)   divergence q_k (log q_k - log p_k)   w_k = Q_k (log q_k - log p_k) / (1 + e)
struct Terms {
  float log_p, p, implied, log_q, q;  ///< implied: Q_k
  float divergence, w;
};
template <typename T, typename Table>
__device__ Terms terms_of(const Row<T>& row, const Table& table, const Normalizers& n, int k) {
  Terms t;
  t.log_p = (row.parent_logit(k) - n.parent_max) * row.inverse_temperature - n.parent_log_sum;
  t.p = expf(t.log_p);
  const float log_implied =
      (table.max(k) - n.child_max) * row.inverse_temperature + logf(table.sum(k)) - n.child_log_sum;
  t.implied = expf(log_implied);
  const float share = t.implied / (1 + row.epsilon);
  t.q = share + row.epsilon;
  t.log_q = row.epsilon > 0 ? logf(t.q) : log_implied;
  const float ratio = t.log_p - t.log_q;
  // Nothing times an infinite logarithm is nothing.
  if (row.a.settings.head_to_implied) {
    t.divergence = t.p == 0 ? 0 : t.p * ratio;
    t.w = -t.p * (row.epsilon > 0 ? share / t.q : 1);
  } else {
    t.divergence = t.q == 0 ? 0 : -t.q * ratio;
    t.w = t.implied == 0 ? 0 : -t.implied * ratio / (1 + row.epsilon);
  }
  return t;
}

/// Over the parents.
struct Sums {
  float divergence = 0, w = 0, q = 0;
};
/// dL/da_k, and S_k times the factor of exp((b_i - m_k) / T) in dL/db_i; without row.scale:
///
///   KL(p || q)   dL/da_k = p_k (log p_k - log q_k - sum divergence)
///   KL(q || p)   dL/da_k = p_k sum q - q_k
///   either       w_k - Q_k sum w
struct Gradient {
  float parent = 0, implied = 0;
};
template <typename T>
__device__ Gradient gradient_of(const Row<T>& row, const Terms& t, const Sums& sums) {
  Gradient g;
  if (row.a.settings.head_to_implied) {
    g.parent = t.p == 0 ? 0 : t.p * (t.log_p - t.log_q - sums.divergence);
  } else {
    g.parent = t.p * sums.q - t.q;
  }
  g.implied = t.w - t.implied * sums.w;
  return g;
}

/// A parent with more than half of the probability: subtraction would leave its gradient nothing but
/// rounding. Since the gradients of all parents sum to 0, it gets what those of the others lack.
__device__ inline bool dominates(float probability) {
  return probability > 0.5f;
}

/// Writes dparent, and leaves in the table the factors for write_child_gradients. `others`: the sums of the
/// gradients of parents that do not dominate.
template <typename Threads, typename T, typename Table>
__device__ void write_parent_gradients(const Row<T>& row, const Table& table, const Normalizers& n,
                                       const Sums& sums, const Gradient& others) {
  for (int k = static_cast<int>(threadIdx.x); k < row.parents; k += static_cast<int>(blockDim.x)) {
    Gradient g;
    if (table.has_children(k)) {
      const Terms t = terms_of(row, table, n, k);
      g = gradient_of(row, t, sums);
      if (dominates(t.p)) g.parent = -others.parent;
      if (dominates(t.implied)) g.implied = -others.implied;
      const float sum = table.sum(k);
      const float factor = sum > 0 ? g.implied / sum : t.implied;  // 0, or NaN if all is
      table.set_child_factor(k, factor * row.scale);
    }
    row.dparent[k] = T(row.a.settings.detach_head ? 0 : g.parent * row.scale);
  }
  Threads::sync();
}
/// dL/db_i = exp((b_i - m_k) / T) factor_k
template <bool kKept, typename T, typename Table>
__device__ void write_child_gradients(const Row<T>& row, Children& children, const Table& table) {
  for_each_child<kKept>(row, children, [&](int i, int k, float value) {
    float gradient = 0;
    if (k >= 0 && !row.a.settings.detach_implied) {
      gradient = (kKept ? value : row.exponential(value, table.max(k))) * table.child_factor(k);
    }
    row.dchild[i] = T(gradient);
  });
}

/// Writes a row's gradients; returns its divergence, in each of its threads.
template <typename Threads, bool kKept, typename T, typename Table>
__device__ float row_divergence(const Row<T>& row, const Table& table, auto& partial) {
  Children children;
  if constexpr (kKept) children.load(row, static_cast<int>(threadIdx.x));
  gather<Threads, kKept>(row, children, table);
  const Normalizers n = normalize<Threads>(row, table, partial);
  Sums sums;
  for_each_parent(table, [&](int k) {
    const Terms t = terms_of(row, table, n, k);
    sums.divergence += t.divergence;
    sums.w += t.w;
    sums.q += t.q;
  });
  sums.divergence = Threads::sum(sums.divergence, partial);
  sums.w = Threads::sum(sums.w, partial);
  sums.q = Threads::sum(sums.q, partial);

  Gradient others;
  for_each_parent(table, [&](int k) {
    const Terms t = terms_of(row, table, n, k);
    const Gradient g = gradient_of(row, t, sums);
    if (!dominates(t.p)) others.parent += g.parent;
    if (!dominates(t.implied)) others.implied += g.implied;
  });
  others.parent = Threads::sum(others.parent, partial);
  others.implied = Threads::sum(others.implied, partial);
  write_parent_gradients<Threads>(row, table, n, sums, others);
  write_child_gradients<kKept>(row, children, table);
  return sums.divergence;
}

template <typename T, bool kWarp, bool kKept>
__global__ void __launch_bounds__(kBlockThreads, kMinBlocks) hierarchical_kl_kernel(Arguments<T> a) {
  TERN_SHARED(float, partial, 32);
  TERN_SHARED(double, partial_loss, 32);
  TERN_DYNAMIC_SHARED(std::uint32_t, words);
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  float divergence = 0;
  if (row < a.rows) {  // the same in all threads that meet: of a warp, or of the block
    const int first = static_cast<int>(threadIdx.y * 3 * a.parents);
    const ParentTable<std::remove_reference_t<decltype(words)>> table{words, first,
                                                                      static_cast<int>(a.parents)};
    divergence = row_divergence<RowThreads<kWarp>, kKept>(Row<T>(a, row), table, partial);
  }
  double total = 0;
  const float of_block = sum_of_rows(divergence, partial);
  if (!sum_over_grid(of_block, a.partials, a.arrivals, &total, partial_loss)) return;
  const double rows = static_cast<double>(a.rows > 0 ? a.rows : 1);
  if (thread_rank() == 0) *a.loss = static_cast<float>(static_cast<double>(a.settings.factor) * total / rows);
}

}  // namespace

std::size_t hierarchical_kl_workspace_bytes(std::int64_t rows) {
  return kCounterBytes + sizeof(float) * static_cast<std::size_t>(rows > 0 ? rows : 1);
}

template <typename T>
void hierarchical_kl(const T* parent_logits, const T* child_logits, const std::int32_t* child_to_parent,
                     const HierarchicalKlSettings& settings, float* loss, T* dparent, T* dchild,
                     void* workspace, std::int64_t rows, std::int64_t parents, std::int64_t children,
                     Stream stream) {
  if (parents > kMaxParents || children > kMaxChildren) {
    throw Error("hierarchical_kl",
                "at most " + std::to_string(kMaxParents) + " parents and " + std::to_string(kMaxChildren) +
                    " children",
                std::to_string(parents) + " and " + std::to_string(children));
  }
  unsigned* const arrivals = static_cast<unsigned*>(workspace);
  float* const partials = reinterpret_cast<float*>(static_cast<unsigned char*>(workspace) + kCounterBytes);
  const Arguments<T> arguments{parent_logits, child_logits, child_to_parent, settings, loss,    dparent,
                               dchild,        arrivals,     partials,        rows,     parents, children};
  const std::int64_t row_count = std::max<std::int64_t>(rows, 1);  // without rows, one block writes the loss
  const std::size_t bytes_per_row = 3 * sizeof(std::uint32_t) * static_cast<std::size_t>(parents);
  if (parents <= kWarpParents && children <= kWarpChildren) {
    launch(children <= kWarpSize * kBatch ? hierarchical_kl_kernel<T, true, true>
                                          : hierarchical_kl_kernel<T, true, false>,
           ceil_div(row_count, kRowsPerBlock), dim3(kWarpSize, kRowsPerBlock), kRowsPerBlock * bytes_per_row,
           stream, arguments);
  } else {
    launch(children <= kBlockThreads * kBatch ? hierarchical_kl_kernel<T, false, true>
                                              : hierarchical_kl_kernel<T, false, false>,
           row_count, kBlockThreads, bytes_per_row, stream, arguments);
  }
}

#define TERN_INSTANTIATE(T)                                                                             \
  template void hierarchical_kl(const T*, const T*, const std::int32_t*, const HierarchicalKlSettings&, \
                                float*, T*, T*, void*, std::int64_t, std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
