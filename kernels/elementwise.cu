#include "kernels/elementwise.h"

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
struct AddScaled {
  float scale;
  __device__ float operator()(float x, float y) const { return y + scale * x; }
};
struct Multiply {
  float factor;
  const float* scalar;
  __device__ float operator()(float x) const { return x * (factor * *scalar); }
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
template <typename From, typename To>
void convert(const From* x, To* y, std::int64_t n, Stream stream) {
  map(n, Identity{}, stream, y, x);
}

#define TERN_INSTANTIATE(T)                                                        \
  template void fill(float, T*, std::int64_t, Stream);                             \
  template void add(const T*, const T*, T*, std::int64_t, Stream);                 \
  template void add_scaled(float, const T*, T*, std::int64_t, Stream);             \
  template void multiply(const T*, float, const float*, T*, std::int64_t, Stream); \
  template void convert(const T*, float*, std::int64_t, Stream);                   \
  template void convert(const T*, bfloat16*, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
