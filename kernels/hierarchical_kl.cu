// The divergence between p, the superclass head's distribution, and q, that which the subclass head implies;
// formulas and derivation are in engine/ops/hierarchical_kl.cpp. Here by logarithms, since f32 ends early:
// with m_k the largest logit of the subclasses of k and S_k = sum_i exp((b_i - m_k) / T) over them,
//
//   log Q_k = (m_k - M) / T + log S_k - log sum_k exp((m_k - M) / T) S_k      M = max_k m_k
//   w_k = Q_k dL/dQ_k      db_i = exp((b_i - m_k) / T) / S_k (w_k - Q_k sum_k w_k) / T
//
// so that no subclass's probability is divided by one that is too small for f32.
//
// A warp a row, or a block if there are many classes. m_k and S_k are gathered in shared memory by integer
// atomics, whose result does not depend on their order: m_k in the order of floats, S_k, which is at least 1,
// in fixed point. dsuper and dsub are written once; rows are small enough to be read again from the cache.
#include "kernels/hierarchical_kl.h"

#include "kernels/common/float_order.h"
#include "kernels/common/kernel.h"
#include "kernels/common/sum_over_grid.h"

namespace tern::kernels {
namespace {

constexpr std::int64_t kNarrowSupers = 64, kNarrowSubs = 256;  // up to here a warp has a row
constexpr int kRowsABlock = 8;                                 // of those
constexpr int kWideThreads = 256;                              // of a block that has one row
constexpr int kBatch = 4;                                      // loads on the way at once
constexpr std::size_t kCounterBytes = 16;                      // of the workspace; a float a block follows
constexpr std::int64_t kMostSupers = 1024, kMostSubs = 65535;

template <typename T>
struct Arguments {
  const T* head;
  const T* sub;
  const std::int32_t* sub_to_super;
  HierarchicalKlSettings settings;
  float* loss;
  T* dhead;
  T* dsub;
  unsigned* arrivals;
  float* partials;
  std::int64_t rows, supers, subs;
};

/// The threads of a row.
template <bool kWarp>
struct Threads {
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
  /// Leaves NaN out: the sum that follows will be NaN by itself.
  __device__ static float max(float value, auto& partial) {
    return reduce(
        value, -INFINITY, [](float a, float b) { return fmaxf(a, b); }, partial);
  }
};

/// One row. Its threads share the superclasses' entries of shared memory: for each the order of its largest
/// logit (0: no subclass maps to it), the whole part of S_k 2^16 and its fraction. Once S_k has served, what
/// its subclasses' gradients are multiplied by takes the fraction's place.
template <typename T, bool kWarp, typename Shared, typename Partial>
class RowKl {
 public:
  __device__ RowKl(const Arguments<T>& arguments, std::int64_t row, Shared& entries, Partial& partial_results)
      : a_(arguments),
        shared_(entries),
        partial_(partial_results),
        head_(a_.head + row * a_.supers),
        sub_(a_.sub + row * a_.subs),
        dhead_(a_.dhead + row * a_.supers),
        dsub_(a_.dsub + row * a_.subs),
        first_(static_cast<int>(threadIdx.y * 3 * a_.supers)),
        supers_(static_cast<int>(a_.supers)),
        epsilon_(a_.settings.epsilon),
        inverse_temperature_(1 / a_.settings.temperature),
        scale_(a_.settings.factor / static_cast<float>(a_.rows) * inverse_temperature_) {
    if (static_cast<int>(threadIdx.x) < supers_) early_head_ = static_cast<float>(head_[threadIdx.x]);
  }

  /// Writes the gradients; returns the divergence, in every thread.
  __device__ float run() {
    gather();
    normalize();
    Sums sums;
    for_used([&](int k) {
      const Class c = look_at(k);
      sums.kl += c.divergence;
      sums.pull += c.pull;
      sums.q += c.q;
    });
    sums.kl = Together::sum(sums.kl, partial_);
    sums.pull = Together::sum(sums.pull, partial_);
    sums.q = Together::sum(sums.q, partial_);

    Gradient rest;
    for_used([&](int k) {
      const Class c = look_at(k);
      const Gradient g = gradient(c, sums);
      if (!(c.p > kMost)) rest.head += g.head;
      if (!(c.implied > kMost)) rest.implied += g.implied;
    });
    rest.head = Together::sum(rest.head, partial_);
    rest.implied = Together::sum(rest.implied, partial_);
    write_class_gradients(sums, rest);
    write_sub_gradient();
    return sums.kl;
  }

 private:
  using Together = Threads<kWarp>;
  struct Class {
    float log_p, p;
    float implied;           ///< Q_k
    float q, log_q;          ///< Q_k / (1 + epsilon) + epsilon, its log
    float divergence, pull;  ///< its part of the divergence, and w_k
  };
  struct Sums {
    float kl = 0, pull = 0, q = 0;
  };
  struct Gradient {
    float head = 0, implied = 0;
  };
  static constexpr float kMost = 0.5f;

  __device__ int largest(int k) const { return first_ + k; }
  __device__ int whole(int k) const { return first_ + supers_ + k; }
  __device__ int fraction(int k) const { return first_ + 2 * supers_ + k; }
  __device__ float largest_of(int k) const { return value_of(shared_[largest(k)]); }
  __device__ float sum_of(int k) const {
    return static_cast<float>(shared_[whole(k)]) / (1 << 16) +
           static_cast<float>(shared_[fraction(k)]) / 4294967296.0f;
  }
  __device__ float head_of(int k) const {
    return k == static_cast<int>(threadIdx.x) ? early_head_ : static_cast<float>(head_[k]);
  }

  /// This thread's superclasses that some subclass maps to.
  template <typename Visit>
  __device__ void for_used(Visit visit) const {
    for (int k = static_cast<int>(threadIdx.x); k < supers_; k += static_cast<int>(blockDim.x)) {
      if (shared_[largest(k)] != 0) visit(k);
    }
  }
  /// visit(i, k, logit) for this thread's subclasses: k is -1 for those left out.
  template <typename Visit>
  __device__ void for_subs(Visit visit) const {
    const int subs = static_cast<int>(a_.subs), threads = static_cast<int>(blockDim.x);
    for (int start = static_cast<int>(threadIdx.x); start < subs; start += kBatch * threads) {
      int super[kBatch];
      float logit[kBatch];
      TERN_UNROLL
      for (int j = 0; j < kBatch; ++j) {
        const int i = start + j * threads;
        super[j] = i < subs ? a_.sub_to_super[i] : -1;
        logit[j] = i < subs ? static_cast<float>(sub_[i]) : 0;
      }
      TERN_UNROLL
      for (int j = 0; j < kBatch; ++j) {
        const int i = start + j * threads;
        if (i < subs) visit(i, super[j] < supers_ ? super[j] : -1, logit[j]);
      }
    }
  }
  /// exp((b_i - m_k) / T); 0 where m_k is infinite or NaN, since S_k is then left at 0 and m_k says it all.
  __device__ float relative(float logit, int k) const {
    const float most = largest_of(k);
    return fabsf(most) < INFINITY ? expf((logit - most) * inverse_temperature_) : 0;
  }

  /// m_k and S_k.
  __device__ void gather() {
    for (int k = static_cast<int>(threadIdx.x); k < supers_; k += static_cast<int>(blockDim.x)) {
      shared_[largest(k)] = shared_[whole(k)] = shared_[fraction(k)] = 0;
    }
    Together::sync();
    for_subs([&](int, int k, float logit) {
      if (k >= 0) atomicMax(&shared_[largest(k)], order_of(logit));
    });
    Together::sync();
    for_subs([&](int, int k, float logit) {
      if (k < 0) return;
      const float scaled = relative(logit, k) * (1 << 16);
      const auto integer = static_cast<std::uint32_t>(scaled);
      atomicAdd(&shared_[whole(k)], integer);
      atomicAdd(&shared_[fraction(k)],
                static_cast<std::uint32_t>((scaled - static_cast<float>(integer)) * (1 << 16)));
    });
    Together::sync();
  }
  /// The maxima and the logarithms of the sums of both softmaxes.
  __device__ void normalize() {
    float head_maximum = -INFINITY, sub_maximum = -INFINITY, head_sum = 0, sub_sum = 0;
    for_used([&](int k) {
      head_maximum = fmaxf(head_maximum, head_of(k));
      sub_maximum = fmaxf(sub_maximum, largest_of(k));
    });
    head_most_ = Together::max(head_maximum, partial_);
    sub_most_ = Together::max(sub_maximum, partial_);
    for_used([&](int k) {
      head_sum += expf((head_of(k) - head_most_) * inverse_temperature_);
      sub_sum += expf((largest_of(k) - sub_most_) * inverse_temperature_) * sum_of(k);
    });
    head_log_sum_ = logf(Together::sum(head_sum, partial_));
    sub_log_sum_ = logf(Together::sum(sub_sum, partial_));
  }
  __device__ Class look_at(int k) const {
    Class c;
    c.log_p = (head_of(k) - head_most_) * inverse_temperature_ - head_log_sum_;
    c.p = expf(c.log_p);
    const float log_implied =
        (largest_of(k) - sub_most_) * inverse_temperature_ + logf(sum_of(k)) - sub_log_sum_;
    c.implied = expf(log_implied);
    const float q = c.implied / (1 + epsilon_);
    c.q = q + epsilon_;
    c.log_q = epsilon_ > 0 ? logf(c.q) : log_implied;
    const float ratio = c.log_p - c.log_q;
    // Nothing times an infinite logarithm is nothing.
    if (a_.settings.head_to_implied) {
      c.divergence = c.p == 0 ? 0 : c.p * ratio;
      c.pull = -c.p * (epsilon_ > 0 ? q / c.q : 1);
    } else {
      c.divergence = c.q == 0 ? 0 : -c.q * ratio;
      c.pull = c.implied == 0 ? 0 : -c.implied * ratio / (1 + epsilon_);
    }
    return c;
  }

  /// With respect to a_k, and S_k's share of that with respect to each b_i of k; but for scale.
  __device__ Gradient gradient(const Class& c, const Sums& sums) const {
    Gradient g;
    if (a_.settings.head_to_implied) {
      g.head = c.p == 0 ? 0 : c.p * (c.log_p - c.log_q - sums.kl);
    } else {
      g.head = c.p * sums.q - c.q;
    }
    g.implied = c.pull - c.implied * sums.pull;
    return g;
  }
  /// Writes dsuper, and leaves in shared memory what the subclasses' gradients are multiplied by. Over the
  /// classes either gradient sums to 0: that of a class with most of the probability, where subtraction
  /// would leave nothing but rounding, is what the others (`rest`) lack.
  __device__ void write_class_gradients(const Sums& sums, const Gradient& rest) {
    for (int k = static_cast<int>(threadIdx.x); k < supers_; k += static_cast<int>(blockDim.x)) {
      Gradient g;
      if (shared_[largest(k)] != 0) {
        const Class c = look_at(k);
        g = gradient(c, sums);
        if (c.p > kMost) g.head = -rest.head;
        if (c.implied > kMost) g.implied = -rest.implied;
        const float sum = sum_of(k);
        const float share = sum > 0 ? g.implied / sum : c.implied;  // 0, or NaN if all is
        shared_[fraction(k)] = __builtin_bit_cast(std::uint32_t, share * scale_);
      }
      dhead_[k] = T(a_.settings.detach_head ? 0 : g.head * scale_);
    }
    Together::sync();
  }
  __device__ void write_sub_gradient() {
    for_subs([&](int i, int k, float logit) {
      float gradient = 0;
      if (k >= 0 && !a_.settings.detach_implied) {
        gradient =
            relative(logit, k) * __builtin_bit_cast(float, static_cast<std::uint32_t>(shared_[fraction(k)]));
      }
      dsub_[i] = T(gradient);
    });
  }

  const Arguments<T>& a_;
  Shared& shared_;
  Partial& partial_;
  const T *head_, *sub_;
  T *dhead_, *dsub_;
  int first_, supers_;
  float epsilon_, inverse_temperature_, scale_;
  float early_head_ = 0;  ///< loaded before anything waits
  float head_most_ = 0, head_log_sum_ = 0, sub_most_ = 0, sub_log_sum_ = 0;
};

template <typename T, bool kWarp>
__global__ void __launch_bounds__(kWideThreads, 1) hierarchical_kl_kernel(Arguments<T> a) {
  TERN_SHARED(float, partial, 32);
  TERN_SHARED(double, partial_loss, 32);
  TERN_DYNAMIC_SHARED(std::uint32_t, shared);
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  float kl = 0;
  if (row < a.rows) {  // of a whole warp, or of the block
    RowKl<T, kWarp, decltype(shared), decltype(partial)> row_kl(a, row, shared, partial);
    kl = row_kl.run();
  }
  double total = 0;
  const float of_block = sum_of_rows(kl, partial);
  if (!sum_over_grid(of_block, a.partials, a.arrivals, &total, partial_loss)) return;
  const double rows = static_cast<double>(a.rows > 0 ? a.rows : 1);
  if (thread_rank() == 0) *a.loss = static_cast<float>(static_cast<double>(a.settings.factor) * total / rows);
}

}  // namespace

std::size_t hierarchical_kl_workspace_bytes(std::int64_t rows) {
  return kCounterBytes + sizeof(float) * static_cast<std::size_t>(rows > 0 ? rows : 1);
}

template <typename T>
void hierarchical_kl(const T* super_logits, const T* sub_logits, const std::int32_t* sub_to_super,
                     const HierarchicalKlSettings& settings, float* loss, T* dsuper, T* dsub, void* workspace,
                     std::int64_t rows, std::int64_t supers, std::int64_t subs, Stream stream) {
  if (supers > kMostSupers || subs > kMostSubs) {
    throw Error("hierarchical_kl",
                "at most " + std::to_string(kMostSupers) + " superclasses and " + std::to_string(kMostSubs) +
                    " subclasses",
                std::to_string(supers) + " and " + std::to_string(subs));
  }
  const Arguments<T> arguments{
      super_logits,
      sub_logits,
      sub_to_super,
      settings,
      loss,
      dsuper,
      dsub,
      static_cast<unsigned*>(workspace),
      reinterpret_cast<float*>(static_cast<unsigned char*>(workspace) + kCounterBytes),
      rows,
      supers,
      subs};
  const std::int64_t some = std::max<std::int64_t>(rows, 1);  // no rows: a block is still needed for the loss
  const std::size_t bytes_a_row = 3 * sizeof(std::uint32_t) * static_cast<std::size_t>(supers);
  if (supers <= kNarrowSupers && subs <= kNarrowSubs) {
    launch(hierarchical_kl_kernel<T, true>, ceil_div(some, kRowsABlock), dim3(kWarpSize, kRowsABlock),
           kRowsABlock * bytes_a_row, stream, arguments);
  } else {
    launch(hierarchical_kl_kernel<T, false>, some, kWideThreads, bytes_a_row, stream, arguments);
  }
}

#define TERN_INSTANTIATE(T)                                                                             \
  template void hierarchical_kl(const T*, const T*, const std::int32_t*, const HierarchicalKlSettings&, \
                                float*, T*, T*, void*, std::int64_t, std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
