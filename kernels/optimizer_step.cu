// A block works on one chunk of one parameter, which it finds in the table of slots by binary search. Each
// value is read and written once, 16 bytes at a time where the slot's pointers allow: bound by bandwidth.
#include "kernels/optimizer_step.h"

#include "kernels/common/kernel.h"
#include "kernels/common/last_block.h"
#include "kernels/common/vector.h"

namespace tern::kernels {
namespace {

constexpr int kThreads = 256;
constexpr int kWidth = kVectorWidth<float>;
static_assert(kOptimizerChunk % kWidth == 0, "a chunk of an aligned parameter is aligned");

/// The last slot that begins at `chunk` or before it. If several begin there, all but the last are empty.
__device__ int find_slot(const OptimizerSlotView* slots, int count, std::int64_t chunk) {
  int first = 0, end = count;  // the slot sought is in [first, end)
  while (end - first > 1) {
    const int middle = first + (end - first) / 2;
    if (slots[middle].first_chunk <= chunk) {
      first = middle;
    } else {
      end = middle;
    }
  }
  return first;
}

/// True if kWidth elements can be loaded at once: f32 on 16 bytes, bfloat16 (`half`) on 8. Null is aligned.
__device__ bool is_aligned(const void* p, bool half) {
  return reinterpret_cast<std::uintptr_t>(p) % (kWidth * (half ? sizeof(bfloat16) : sizeof(float))) == 0;
}
__device__ bool gradient_is_aligned(const OptimizerSlotView& slot) {
  return is_aligned(slot.gradient, slot.half_gradient);
}
__device__ bool all_are_aligned(const OptimizerSlotView& slot) {
  return gradient_is_aligned(slot) && is_aligned(slot.parameter, false) &&
         is_aligned(slot.first_moment, false) && is_aligned(slot.second_moment, false) &&
         is_aligned(slot.bf16_copy, true);
}

/// Calls visit.at<N>(slot, i) for this thread's elements i .. i + N - 1 of the block's chunk: N = kWidth if
/// is_slot_aligned(slot), else 1.
template <typename IsAligned, typename Visit>
__device__ void for_chunk(const OptimizerSlotView* slots, int count, IsAligned is_slot_aligned,
                          Visit& visit) {
  const OptimizerSlotView slot = slots[find_slot(slots, count, blockIdx.x)];
  const std::int64_t begin = (blockIdx.x - slot.first_chunk) * kOptimizerChunk;
  const std::int64_t end = begin + kOptimizerChunk < slot.elements ? begin + kOptimizerChunk : slot.elements;
  std::int64_t rest = begin;
  if (is_slot_aligned(slot)) {
    rest = end / kWidth * kWidth;
    for (std::int64_t i = begin + threadIdx.x * kWidth; i < rest; i += kThreads * kWidth) {
      visit.template at<kWidth>(slot, i);
    }
  }
  for (std::int64_t i = rest + threadIdx.x; i < end; i += kThreads) visit.template at<1>(slot, i);
}

template <int N>
__device__ Vector<float, N> load_gradient(const OptimizerSlotView& slot, std::int64_t i) {
  if (!slot.half_gradient) return load_vector<N>(static_cast<const float*>(slot.gradient) + i);
  const Vector<bfloat16, N> half = load_vector<N>(static_cast<const bfloat16*>(slot.gradient) + i);
  Vector<float, N> whole;
  for (int k = 0; k < N; ++k) whole[k] = static_cast<float>(half[k]);
  return whole;
}

template <int N>
__device__ void store_parameter(const OptimizerSlotView& slot, std::int64_t i, const Vector<float, N>& p) {
  store_vector<N>(slot.parameter + i, p);
  if (slot.bf16_copy == nullptr) return;
  Vector<bfloat16, N> half;
  for (int k = 0; k < N; ++k) half[k] = bfloat16(p[k]);
  store_whole(slot.bf16_copy + i, half);
}

/// g = scale gradient + coupled_decay p; m = beta1 m + rest1 g; v = beta2 v + rest2 g^2;
/// p = p kept - rate m / (sqrt(v) inverse_root + epsilon)
struct AdamUpdate {
  AdamConstants constants;
  float scale;

  template <int N>
  __device__ void at(const OptimizerSlotView& slot, std::int64_t i) const {
    const Vector<float, N> gradient = load_gradient<N>(slot, i);
    Vector<float, N> p = load_vector<N>(slot.parameter + i);
    Vector<float, N> m = load_vector<N>(slot.first_moment + i);
    Vector<float, N> v = load_vector<N>(slot.second_moment + i);
    for (int k = 0; k < N; ++k) {
      const float g = gradient[k] * scale + slot.coupled_decay * p[k];
      m[k] = constants.beta1 * m[k] + constants.rest1 * g;
      v[k] = constants.beta2 * v[k] + constants.rest2 * g * g;
      p[k] = p[k] * slot.kept - slot.rate * m[k] / (sqrtf(v[k]) * slot.inverse_root + constants.epsilon);
    }
    store_vector<N>(slot.first_moment + i, m);
    store_vector<N>(slot.second_moment + i, v);
    store_parameter<N>(slot, i, p);
  }
};

/// g = scale gradient + coupled_decay p; b = momentum b + g, at the first step g; p -= rate b, with Nesterov
/// rate (g + momentum b). Without momentum there is no b: p -= rate g.
struct SgdUpdate {
  SgdConstants constants;
  float scale;

  template <int N>
  __device__ void at(const OptimizerSlotView& slot, std::int64_t i) const {
    const float momentum = constants.momentum;
    const Vector<float, N> gradient = load_gradient<N>(slot, i);
    Vector<float, N> p = load_vector<N>(slot.parameter + i), b{};
    if (momentum != 0 && !constants.first_step) b = load_vector<N>(slot.first_moment + i);
    for (int k = 0; k < N; ++k) {
      const float g = gradient[k] * scale + slot.coupled_decay * p[k];
      b[k] = constants.first_step ? g : momentum * b[k] + g;
      const float step = constants.nesterov ? g + momentum * b[k] : b[k];
      p[k] -= slot.rate * (momentum == 0 ? g : step);
    }
    if (momentum != 0) store_vector<N>(slot.first_moment + i, b);
    store_parameter<N>(slot, i, p);
  }
};

template <typename Update, typename Constants>
__global__ void __launch_bounds__(kThreads)
    step_kernel(const OptimizerSlotView* slots, int count, Constants constants, const float* gradient_scale) {
  const Update update{constants, gradient_scale == nullptr ? 1.0f : *gradient_scale};
  for_chunk(slots, count, all_are_aligned, update);
}

struct SumOfSquares {
  double sum = 0;

  template <int N>
  __device__ void at(const OptimizerSlotView& slot, std::int64_t i) {
    const Vector<float, N> gradient = load_gradient<N>(slot, i);
    for (int k = 0; k < N; ++k) sum += static_cast<double>(gradient[k]) * static_cast<double>(gradient[k]);
  }
};

/// The beginning of the workspace; each block's partial sum, a double, follows.
struct alignas(16) ClipWorkspace {
  unsigned arrivals;
};

/// gridDim.x = max(chunks, 1)
__global__ void __launch_bounds__(kThreads)
    clip_kernel(const OptimizerSlotView* slots, int count, std::int64_t chunks, float max_norm, float* norm,
                float* scale, ClipWorkspace* workspace) {
  TERN_SHARED(double, partial, 32);
  const auto add = [](double a, double b) { return a + b; };
  double* const sums = reinterpret_cast<double*>(workspace + 1);
  if (chunks > 0) {
    SumOfSquares squares;
    for_chunk(slots, count, gradient_is_aligned, squares);
    const double sum = block_reduce(squares.sum, 0.0, add, partial);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
    if (!is_last_block(&workspace->arrivals)) return;
  }
  double sum = 0;
  for (std::int64_t i = threadIdx.x; i < chunks; i += kThreads) sum += sums[i];
  sum = block_reduce(sum, 0.0, add, partial);
  if (threadIdx.x != 0) return;
  const float length = static_cast<float>(sqrt(sum));
  const float ratio = max_norm / (length + 1e-6f);
  *norm = length;
  *scale = ratio >= 1 ? 1.0f : ratio;  // NaN stays NaN
}

}  // namespace

void adam_step(const OptimizerSlotView* slots, int count, std::int64_t chunks, const AdamConstants& constants,
               const float* gradient_scale, Stream stream) {
  launch(step_kernel<AdamUpdate, AdamConstants>, chunks, kThreads, 0, stream, slots, count, constants,
         gradient_scale);
}

void sgd_step(const OptimizerSlotView* slots, int count, std::int64_t chunks, const SgdConstants& constants,
              const float* gradient_scale, Stream stream) {
  launch(step_kernel<SgdUpdate, SgdConstants>, chunks, kThreads, 0, stream, slots, count, constants,
         gradient_scale);
}

std::size_t clip_workspace_bytes(std::int64_t chunks) {
  return sizeof(ClipWorkspace) + static_cast<std::size_t>(chunks) * sizeof(double);
}

void clip_scale(const OptimizerSlotView* slots, int count, std::int64_t chunks, float max_norm, float* norm,
                float* scale, void* workspace, Stream stream) {
  launch(clip_kernel, std::max<std::int64_t>(chunks, 1), kThreads, 0, stream, slots, count, chunks, max_norm,
         norm, scale, static_cast<ClipWorkspace*>(workspace));
}

}  // namespace tern::kernels
