#include <doctest/doctest.h>
#include <cstdio>
#include <fstream>
#include "kernels/common/emulator/profile/report.h"
#include "kernels/common/kernel.h"
#include "kernels/common/launch.h"
using namespace tern;
using namespace tern::kernels;
using namespace tern::emulator;
namespace {
__global__ void transposes(const float* x, float* y, int size) {
  const int row = static_cast<int>(blockIdx.y * 32 + threadIdx.y), column = static_cast<int>(blockIdx.x * 32 + threadIdx.x);
  y[column * size + row] = x[row * size + column];
}
template <int kPitch>
__global__ void transposes_by_tiles(const float* x, float* y, int size) {
  TERN_SHARED(float, tile, 32 * kPitch);
  const int x0 = static_cast<int>(blockIdx.x * 32), y0 = static_cast<int>(blockIdx.y * 32);
  const int i = static_cast<int>(threadIdx.y), j = static_cast<int>(threadIdx.x);
  tile[i * kPitch + j] = x[(y0 + i) * size + x0 + j];
  __syncthreads();
  y[(x0 + i) * size + y0 + j] = tile[j * kPitch + i];
}
alignas(128) float a[1 << 18], b[1 << 18];
}
TEST_CASE("x") {
  Profile profile({.trace = {.launch = 2}});
  launch(transposes, dim3(16, 16), dim3(32, 32), 0, nullptr, a, b, 512);
  launch(transposes_by_tiles<32>, dim3(16, 16), dim3(32, 32), 0, nullptr, a, b, 512);
  launch(transposes_by_tiles<33>, dim3(16, 16), dim3(32, 32), 0, nullptr, a, b, 512);
  std::puts(text_report(profile.launches(), {}).c_str());
  std::ofstream("/tmp/c_report.html") << html_report(profile.launches(), {}, "Three transposes");
}
