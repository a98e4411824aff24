// The emulator as the device of benchmarks: what a GPU's kernels do there, the host does here.
#include <cstring>

#include "benchmarks/kernels/device.h"
#include "benchmarks/kernels/emulated_memory.h"
#include "benchmarks/kernels/products.h"
#include "engine/core/random.h"
#include "kernels/common/bfloat16.h"

namespace tern::bench {

std::shared_ptr<void> allocate(std::size_t bytes) {
  return {allocate_memory(bytes), free_memory};
}
void copy(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  const HostAccess access;
  std::memcpy(to, from, bytes);
  note_written(to, bytes);
}
void poison(void* memory, std::size_t bytes) {
  const HostAccess access;
  std::memset(memory, 0xFF, bytes);
  note_unwritten(memory, bytes);
}
void zero(void* memory, std::size_t bytes) {
  const HostAccess access;
  std::memset(memory, 0, bytes);
  note_written(memory, bytes);
}

template <typename T>
void fill_random(T* y, std::int64_t n, float low, float high, std::uint64_t seed, Stream) {
  const HostAccess access;
  RandomStream random(seed, 0);
  for (std::int64_t i = 0; i < n; ++i) y[i] = T(random.uniform(low, high));
  note_written(y, static_cast<std::size_t>(n) * sizeof(T));
}
template void fill_random(float*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(bfloat16*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(std::int32_t*, std::int64_t, float, float, std::uint64_t, Stream);
template void fill_random(std::uint8_t*, std::int64_t, float, float, std::uint64_t, Stream);

template <typename T>
void gather(const T* x, std::int64_t count, std::int64_t step, float* y) {
  const HostAccess access;
  for (std::int64_t i = 0; i < count; ++i) y[i] = static_cast<float>(x[i * step]);
  note_written(y, static_cast<std::size_t>(count) * sizeof(float));
}
template void gather(const float*, std::int64_t, std::int64_t, float*);
template void gather(const bfloat16*, std::int64_t, std::int64_t, float*);

struct Products::Library {};
Products::Products(Stream) {}

template <typename T>
void Products::operator()(const T* a, bool transpose_a, const T* b, bool transpose_b, T* c, std::int64_t rows,
                          std::int64_t inner, std::int64_t cols) const {
  const HostAccess access;
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
  note_written(c, static_cast<std::size_t>(rows * cols) * sizeof(T));
}
template void Products::operator()(const float*, bool, const float*, bool, float*, std::int64_t, std::int64_t,
                                   std::int64_t) const;
template void Products::operator()(const bfloat16*, bool, const bfloat16*, bool, bfloat16*, std::int64_t,
                                   std::int64_t, std::int64_t) const;

}  // namespace tern::bench
