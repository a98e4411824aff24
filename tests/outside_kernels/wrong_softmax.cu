// Kernels from outside that are wrong, each in a way that benchmarks must tell: tests/check_outside_kernels.sh.
#include "benchmarks/kernels/harness.h"

namespace {

using namespace tern::bench;

// A thread a row, which is slow and right, but for what the sides below do to it.
__global__ void softmax(const float* x, float* y, std::int64_t rows, std::int64_t cols, std::int64_t read,
                        float temperature) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  float sum = 0;
  for (std::int64_t i = 0; i < read; ++i) sum += expf(x[row * cols + i] / temperature);
  for (std::int64_t i = 0; i < cols; ++i) y[row * cols + i] = expf(x[row * cols + i] / temperature) / sum;
}

// y += softmax(x): right on an y of zeros, which nobody promises.
__global__ void add_softmax(const float* x, float* y, std::int64_t rows, std::int64_t cols) {
  const std::int64_t row = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  float sum = 0;
  for (std::int64_t i = 0; i < cols; ++i) sum += expf(x[row * cols + i]);
  for (std::int64_t i = 0; i < cols; ++i) y[row * cols + i] += expf(x[row * cols + i]) / sum;
}

using Launch = void (*)(const float* x, float* y, std::int64_t rows, std::int64_t cols, tern::Stream stream);

void measure(Bench& bench, Launch launch) {
  constexpr std::int64_t kRows = 64, kCols = 88;
  constexpr double kBytes = 2.0 * kRows * kCols * sizeof(float);
  if (!bench.begin("softmax_forward", RowShape{kRows, kCols}.name(), "float32", kBytes)) return;
  const auto x = bench.random<float>(kRows * kCols, -4, 4), y = bench.poisoned<float>(kRows * kCols);
  bench.measure(
      kBytes, [&](int slot) { launch(x[slot], y[slot], kRows, kCols, bench.stream()); },
      [&] {
        Difference difference;
        difference.add(y.array({kRows, kCols}), tern::reference::softmax(x.array({kRows, kCols})));
        return difference.relative();
      });
}

template <Launch launch>
void measure_all(Bench& bench) {
  bench.measure_rows(measure, launch);
}

void warm(const float* x, float* y, std::int64_t rows, std::int64_t cols, tern::Stream stream) {
  softmax<<<1, 64, 0, stream>>>(x, y, rows, cols, cols, 1.5f);
}
void past_the_end(const float* x, float* y, std::int64_t rows, std::int64_t cols, tern::Stream stream) {
  softmax<<<1, 64, 0, stream>>>(x, y, rows, cols, cols + 1, 1);
}
void only_once(const float* x, float* y, std::int64_t rows, std::int64_t cols, tern::Stream stream) {
  static bool done = false;
  if (!done) softmax<<<1, 64, 0, stream>>>(x, y, rows, cols, cols, 1);
  done = true;
}
void into_zeros(const float* x, float* y, std::int64_t rows, std::int64_t cols, tern::Stream stream) {
  add_softmax<<<1, 64, 0, stream>>>(x, y, rows, cols);
}
void too_many_threads(const float* x, float* y, std::int64_t rows, std::int64_t cols, tern::Stream stream) {
  softmax<<<1, 2048, 0, stream>>>(x, y, rows, cols, cols, 1);
}

const Registration of_warm("softmax", "warm", measure_all<warm>);
const Registration of_past_the_end("softmax", "past_the_end", measure_all<past_the_end>);
const Registration of_only_once("softmax", "only_once", measure_all<only_once>);
const Registration of_into_zeros("softmax", "into_zeros", measure_all<into_zeros>);
const Registration of_too_many_threads("softmax", "too_many_threads", measure_all<too_many_threads>);

}  // namespace
