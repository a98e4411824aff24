#include "kernels/gelu.h"

#include "kernels/common/map.h"

namespace tern::kernels {
namespace {

// erfc, not 1 + erf: for x far below 0 the sum would lose all its digits.
__device__ float normal_distribution(float x) {
  return 0.5f * ::erfcf(x * -0.70710678f);  // 1 / sqrt(2)
}
__device__ float normal_density(float x) {
  return 0.39894228f * ::expf(-0.5f * x * x);  // 1 / sqrt(2 pi)
}

struct GeluForward {
  __device__ float operator()(float x) const { return x * normal_distribution(x); }
};
struct GeluBackward {
  __device__ float operator()(float x, float dy) const {
    return dy * (normal_distribution(x) + x * normal_density(x));
  }
};

}  // namespace

template <typename T>
void gelu_forward(const T* x, T* y, std::int64_t n, Stream stream) {
  map(n, GeluForward{}, stream, y, x);
}
template <typename T>
void gelu_backward(const T* x, const T* dy, T* dx, std::int64_t n, Stream stream) {
  map(n, GeluBackward{}, stream, dx, x, dy);
}

#define TERN_INSTANTIATE(T)                                       \
  template void gelu_forward(const T*, T*, std::int64_t, Stream); \
  template void gelu_backward(const T*, const T*, T*, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
