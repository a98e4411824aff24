#include "kernels/elementwise.h"

#include <algorithm>

#include "kernels/common/map.h"

namespace tern::kernels {
namespace {

struct Fill {
  float value;
  __device__ float operator()() const { return value; }
};
struct Add {
  __device__ float operator()(float a, float b) const { return a + b; }
};
struct Sub {
  __device__ float operator()(float a, float b) const { return a - b; }
};
struct Mul {
  __device__ float operator()(float a, float b) const { return a * b; }
};
struct Div {
  __device__ float operator()(float a, float b) const { return a / b; }
};
struct Affine {
  float factor, offset;
  __device__ float operator()(float x) const { return factor * x + offset; }
};
struct Exp {
  __device__ float operator()(float x) const { return ::expf(x); }
};
struct Log {
  __device__ float operator()(float x) const { return ::logf(x); }
};
struct Identity {
  __device__ float operator()(float x) const { return x; }
};

/// Values i .. i + N of a broadcast; i and, unless it is 1, count are multiples of N.
template <int N, typename T>
__device__ Vector<T, N> load_broadcast(Broadcast<T> x, std::int64_t i, std::int64_t n) {
  if (x.count != 1) return load_vector<N>(x.values + (x.count == n ? i : i % x.count));
  Vector<T, N> same;
  for (int k = 0; k < N; ++k) same[k] = x.values[0];
  return same;
}

template <int N, typename T, typename Op>
__global__ void broadcast_kernel(std::int64_t n, Op op, Broadcast<T> a, Broadcast<T> b, T* y) {
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x * N;
  for (std::int64_t i = (std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * N; i < n; i += step) {
    const Vector<T, N> left = load_broadcast<N>(a, i, n), right = load_broadcast<N>(b, i, n);
    Vector<T, N> result;
    for (int k = 0; k < N; ++k) result[k] = T(op(static_cast<float>(left[k]), static_cast<float>(right[k])));
    store_vector<N>(y + i, result);
  }
}

/// True if x can be loaded in vectors of N.
template <int N, typename T>
bool has_vectors(Broadcast<T> x) {
  return x.count == 1 || (x.count % N == 0 && is_aligned(x.values));
}

template <typename T, typename Op>
void broadcast(Broadcast<T> a, Broadcast<T> b, Op op, T* y, std::int64_t n, Stream stream) {
  if (n == 0) return;
  if (a.count == n && b.count == n) return map(n, op, stream, y, a.values, b.values);
  constexpr int kWidth = kVectorWidth<T>;
  const bool wide = n % kWidth == 0 && is_aligned(y) && has_vectors<kWidth>(a) && has_vectors<kWidth>(b);
  const std::int64_t blocks = std::min(ceil_div(n / (wide ? kWidth : 1), kMapThreads), kMaxMapBlocks);
  launch(wide ? broadcast_kernel<kWidth, T, Op> : broadcast_kernel<1, T, Op>, blocks, kMapThreads, 0, stream,
         n, op, a, b, y);
}

}  // namespace

template <typename T>
void fill(float value, T* y, std::int64_t n, Stream stream) {
  map(n, Fill{value}, stream, y);
}
template <typename T>
void add(Broadcast<T> a, Broadcast<T> b, T* y, std::int64_t n, Stream stream) {
  broadcast(a, b, Add{}, y, n, stream);
}
template <typename T>
void sub(Broadcast<T> a, Broadcast<T> b, T* y, std::int64_t n, Stream stream) {
  broadcast(a, b, Sub{}, y, n, stream);
}
template <typename T>
void mul(Broadcast<T> a, Broadcast<T> b, T* y, std::int64_t n, Stream stream) {
  broadcast(a, b, Mul{}, y, n, stream);
}
template <typename T>
void div(Broadcast<T> a, Broadcast<T> b, T* y, std::int64_t n, Stream stream) {
  broadcast(a, b, Div{}, y, n, stream);
}
template <typename T>
void affine(const T* x, float factor, float offset, T* y, std::int64_t n, Stream stream) {
  map(n, Affine{factor, offset}, stream, y, x);
}
template <typename T>
void exp(const T* x, T* y, std::int64_t n, Stream stream) {
  map(n, Exp{}, stream, y, x);
}
template <typename T>
void log(const T* x, T* y, std::int64_t n, Stream stream) {
  map(n, Log{}, stream, y, x);
}
template <typename From, typename To>
void convert(const From* x, To* y, std::int64_t n, Stream stream) {
  map(n, Identity{}, stream, y, x);
}

#define TERN_INSTANTIATE(T)                                                \
  template void fill(float, T*, std::int64_t, Stream);                     \
  template void add(Broadcast<T>, Broadcast<T>, T*, std::int64_t, Stream); \
  template void sub(Broadcast<T>, Broadcast<T>, T*, std::int64_t, Stream); \
  template void mul(Broadcast<T>, Broadcast<T>, T*, std::int64_t, Stream); \
  template void div(Broadcast<T>, Broadcast<T>, T*, std::int64_t, Stream); \
  template void affine(const T*, float, float, T*, std::int64_t, Stream);  \
  template void exp(const T*, T*, std::int64_t, Stream);                   \
  template void log(const T*, T*, std::int64_t, Stream);                   \
  template void convert(const T*, float*, std::int64_t, Stream);           \
  template void convert(const T*, bfloat16*, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
