// One pass, 16 bytes a thread and step where every pointer is aligned, one value otherwise. Bound by
// bandwidth.
#include "kernels/elementwise.h"

#include "kernels/common/kernel.h"
#include "kernels/common/vector.h"

namespace tern::kernels {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMostBlocks = 1 << 16;  // more work than that: each thread takes several steps

/// y[i] = op(x[i]...) for the vectors [0, n / N), then for what is left.
template <int N, typename To, typename Op, typename... From>
__global__ void map_kernel(std::int64_t n, Op op, To* y, const From*... x) {
  const std::int64_t threads = std::int64_t{gridDim.x} * blockDim.x;
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (std::int64_t i = first; i < n / N; i += threads) {
    Vector<To, N> result;
    const auto apply = [&](const Vector<From, N>&... in) {
      for (int k = 0; k < N; ++k) result[k] = To(op(static_cast<float>(in[k])...));
    };
    apply(load_vector<N>(x + i * N)...);
    store_vector<N>(y + i * N, result);
  }
  for (std::int64_t i = n / N * N + first; i < n; i += threads) y[i] = To(op(static_cast<float>(x[i])...));
}

bool aligned(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}

template <typename To, typename Op, typename... From>
void map(std::int64_t n, Op op, Stream stream, To* y, const From*... x) {
  if (n == 0) return;
  // As many values as fill 16 bytes of the widest type among them.
  constexpr int kWidth = std::min({kVectorWidth<To>, kVectorWidth<From>...});
  const bool wide = aligned(y) && (aligned(x) && ...);
  const std::int64_t blocks = std::min(ceil_div(ceil_div(n, wide ? kWidth : 1), kThreads), kMostBlocks);
  launch(wide ? map_kernel<kWidth, To, Op, From...> : map_kernel<1, To, Op, From...>, blocks, kThreads, 0,
         stream, n, op, y, x...);
}

struct Fill {
  float value;
  __device__ float operator()() const { return value; }
};
struct Add {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct AddScaled {
  float scale;
  __device__ float operator()(float x, float y) const { return y + scale * x; }
};
struct Multiply {
  float factor;
  const float* scalar;
  __device__ float operator()(float x) const { return x * (factor * *scalar); }
};
struct ReluForward {
  __device__ float operator()(float x) const { return x <= 0 ? 0 : x; }
};
struct ReluBackward {
  __device__ float operator()(float y, float dy) const { return y <= 0 ? 0 : dy; }
};
struct Identity {
  __device__ float operator()(float x) const { return x; }
};

}  // namespace

template <typename T>
void fill(float value, T* y, std::int64_t n, Stream stream) {
  map(n, Fill{value}, stream, y);
}
template <typename T>
void add(const T* a, const T* b, T* y, std::int64_t n, Stream stream) {
  map(n, Add{}, stream, y, a, b);
}
template <typename T>
void add_scaled(float scale, const T* x, T* y, std::int64_t n, Stream stream) {
  map(n, AddScaled{scale}, stream, y, x, static_cast<const T*>(y));
}
template <typename T>
void multiply(const T* x, float factor, const float* scalar, T* y, std::int64_t n, Stream stream) {
  map(n, Multiply{factor, scalar}, stream, y, x);
}
template <typename T>
void relu_forward(const T* x, T* y, std::int64_t n, Stream stream) {
  map(n, ReluForward{}, stream, y, x);
}
template <typename T>
void relu_backward(const T* y, const T* dy, T* dx, std::int64_t n, Stream stream) {
  map(n, ReluBackward{}, stream, dx, y, dy);
}
template <typename From, typename To>
void convert(const From* x, To* y, std::int64_t n, Stream stream) {
  map(n, Identity{}, stream, y, x);
}

#define TERN_INSTANTIATE(T)                                                        \
  template void fill(float, T*, std::int64_t, Stream);                             \
  template void add(const T*, const T*, T*, std::int64_t, Stream);                 \
  template void add_scaled(float, const T*, T*, std::int64_t, Stream);             \
  template void multiply(const T*, float, const float*, T*, std::int64_t, Stream); \
  template void relu_forward(const T*, T*, std::int64_t, Stream);                  \
  template void relu_backward(const T*, const T*, T*, std::int64_t, Stream);       \
  template void convert(const T*, float*, std::int64_t, Stream);                   \
  template void convert(const T*, bfloat16*, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
