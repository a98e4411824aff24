// The emulator as the device of benchmarks: memory is the host's, and so are products.
#include <cstdlib>
#include <cstring>
#include <new>

#include "benchmarks/kernels/device.h"
#include "benchmarks/kernels/products.h"
#include "engine/core/random.h"
#include "kernels/common/bfloat16.h"

namespace tern::bench {
namespace {

constexpr std::size_t kAlignment = 256;  // as cudaMalloc's

}  // namespace

std::shared_ptr<void> allocate(std::size_t bytes) {
  void* const memory = std::aligned_alloc(kAlignment, (bytes / kAlignment + 1) * kAlignment);
  if (memory == nullptr) throw std::bad_alloc();
  return {memory, [](void* of) { std::free(of); }};
}
void copy(void* to, const void* from, std::size_t bytes) {
  std::memcpy(to, from, bytes);
}
void poison(void* memory, std::size_t bytes) {
  std::memset(memory, 0xFF, bytes);
}
void zero(void* memory, std::size_t bytes) {
  std::memset(memory, 0, bytes);
}

template <typename T>
void fill_random(T* y, std::int64_t n, float low, float high, std::uint64_t seed, Stream) {
  RandomStream random(seed, 0);
  for (std::int64_t i = 0; i < n; ++i) y[i] = T(random.uniform(low, high));
}
template void fill_random(float*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(bfloat16*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(std::int32_t*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(std::uint8_t*, std::int64_t, float, float, std::uint64_t, Stream);

template <typename T>
void gather(const T* x, std::int64_t count, std::int64_t step, float* y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = static_cast<float>(x[i * step]);
}
template void gather(const float*, std::int64_t, std::int64_t, float*);
template void gather(const bfloat16*, std::int64_t, std::int64_t, float*);

struct Products::Library {};
Products::Products(Stream) {}

template <typename T>
void Products::operator()(const T* a, bool transpose_a, const T* b, bool transpose_b, T* c, std::int64_t rows,
                          std::int64_t inner, std::int64_t cols) const {
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t col = 0; col < cols; ++col) {
      float sum = 0;
      for (std::int64_t i = 0; i < inner; ++i) {
        sum += static_cast<float>(a[transpose_a ? i * rows + row : row * inner + i]) *
               static_cast<float>(b[transpose_b ? col * inner + i : i * cols + col]);
      }
      c[row * cols + col] = T(sum);
    }
  }
}
template void Products::operator()(const float*, bool, const float*, bool, float*, std::int64_t, std::int64_t,
                                   std::int64_t) const;
template void Products::operator()(const bfloat16*, bool, const bfloat16*, bool, bfloat16*, std::int64_t,
                                   std::int64_t, std::int64_t) const;

}  // namespace tern::bench
