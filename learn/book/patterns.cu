// Access patterns: the same copy of the same warps, but for which element each thread takes.
#include "learn/lesson.h"

// Neighbours take neighbours.
__global__ void coalesced(const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}

// All of them one further: the warp's 128 bytes no longer begin with a sector.
__global__ void offset_by_one(const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i + 1];
}

// Every other element: of each sector half is used.
__global__ void stride_of_two(const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[2 * i];
}

// One for all: a broadcast.
__global__ void broadcast(const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[0];
}

int main() {
  const int n = 256;
  const auto x = lesson::numbers(2 * n);
  const lesson::Memory in(x);
  const auto differs = [&](void (*kernel)(const float*, float*), auto&& index) {
    const lesson::Memory<float> out(n);
    kernel<<<n / 64, 64>>>(in, out);
    return lesson::check(out, lesson::each(n, [&](int i) { return x[index(i)]; })).result();
  };
  return differs(coalesced, [](int i) { return i; }) | differs(offset_by_one, [](int i) { return i + 1; }) |
         differs(stride_of_two, [](int i) { return 2 * i; }) | differs(broadcast, [](int) { return 0; });
}
