#include "kernels/relu.h"

#include "kernels/common/map.h"

namespace tern::kernels {
namespace {

struct ReluForward {
  __device__ float operator()(float x) const { return x <= 0 ? 0 : x; }
};
struct ReluBackward {
  __device__ float operator()(float y, float dy) const { return y <= 0 ? 0 : dy; }
};

}  // namespace

template <typename T>
void relu_forward(const T* x, T* y, std::int64_t n, Stream stream) {
  map(n, ReluForward{}, stream, y, x);
}
template <typename T>
void relu_backward(const T* y, const T* dy, T* dx, std::int64_t n, Stream stream) {
  map(n, ReluBackward{}, stream, dx, y, dy);
}

#define TERN_INSTANTIATE(T)                                       \
  template void relu_forward(const T*, T*, std::int64_t, Stream); \
  template void relu_backward(const T*, const T*, T*, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
