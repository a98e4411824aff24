// Each finding appears for the kernel that has the fault, and not for the one that has not.
#include "kernels/common/emulator/profile/findings.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernels/common/kernel.h"
#include "kernels/common/launch.h"

using namespace tern;
using namespace tern::kernels;
using namespace tern::emulator;

namespace {

__global__ void copies(const float* x, float* y, int stride, int offset) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  y[i] = x[i * stride + offset];
}

template <int kPitch>
__global__ void turns_a_tile(const float* x, float* y) {
  TERN_SHARED(float, tile, 32 * kPitch);
  for (unsigned row = 0; row < 32; ++row)
    tile[row * kPitch + threadIdx.x] = x[blockIdx.x * 1024 + row * 32 + threadIdx.x];
  __syncthreads();
  for (unsigned row = 0; row < 32; ++row)
    y[blockIdx.x * 1024 + row * 32 + threadIdx.x] = tile[threadIdx.x * kPitch + row];
}

__global__ void copies_with_some(const float* x, float* y, unsigned lanes) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (threadIdx.x % 32 < lanes) y[i] = x[i];
}

__global__ void counts_into(const float* x, int* bins, unsigned count) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (x[i] >= 0) atomicAdd(&bins[threadIdx.x % count], 1);
}

__global__ void multiplies(const float* a, const float* b, float* c, int size) {
  const int row = static_cast<int>(blockIdx.y * 8 + threadIdx.y),
            column = static_cast<int>(blockIdx.x * 32 + threadIdx.x);
  float sum = 0;
  for (int k = 0; k < size; ++k) sum += a[row * size + k] * b[k * size + column];
  c[row * size + column] = sum;
}

__global__ void waits_often(const float* x, float* y, int times) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  for (int time = 0; time < times; ++time) __syncthreads();
  y[i] = x[i];
}

alignas(128) float inputs[1 << 16], outputs[1 << 16];
int bins[64];

/// Small, so that a few blocks fill it.
Device small_device() {
  Device device;
  device.name = "small";
  device.architecture = "sm_80";
  device.multiprocessors = 4;
  device.clock_ghz = 1;
  device.dram_gb_per_s = 1000;
  device.launch_us = 2;
  device.l2_gb_per_s = 2000;
  device.dram_latency_ns = 100;
  return device;
}

template <typename Kernel, typename... Arguments>
std::vector<Finding> findings_of(dim3 grid, dim3 block, std::size_t shared_bytes, Kernel kernel,
                                 Arguments... arguments) {
  Profile profile;
  launch(kernel, grid, block, shared_bytes, nullptr, arguments...);
  const LaunchProfile& launched = profile.launches().at(0);
  return findings(launched, line_counts(launched), work_of(launched, 32), small_device());
}

const Finding* finding_of(const std::vector<Finding>& found, const std::string& kind) {
  const auto at =
      std::find_if(found.begin(), found.end(), [&](const Finding& one) { return one.kind == kind; });
  return at == found.end() ? nullptr : &*at;
}

bool says(const Finding* finding, const std::string& text) {
  return finding != nullptr && finding->text.find(text) != std::string::npos;
}

const float* const x = inputs;
float* const y = outputs;

}  // namespace

TEST_CASE("findings: none for a copy") {
  const std::vector<Finding> found = findings_of(16, 256, 0, copies, x, y, 1, 0);
  for (const Finding& one : found) MESSAGE(one.text);
  CHECK(found.empty());
}

TEST_CASE("findings: sectors that a stride wastes, at its line") {
  const std::vector<Finding> found = findings_of(16, 256, 0, copies, x, y, 16, 0);
  const Finding* const sectors = finding_of(found, "sectors");
  CHECK(says(sectors, "a warp's load touches 32.0 sectors of 32 bytes where 4.0 suffice"));
  CHECK(says(sectors, "neighbouring threads are 16 elements of 4 bytes apart"));
  CHECK(sectors == &found.front());
  CHECK(sectors->gain_us > 0);
  CHECK(file_name(sectors->file) == "test_findings.cpp");
  CHECK(sectors->line == 20);
}

TEST_CASE("findings: a row that begins within a sector") {
  const std::vector<Finding> found = findings_of(16, 256, 0, copies, x, y, 1, 1);
  CHECK(finding_of(found, "sectors") == nullptr);
  CHECK(says(finding_of(found, "alignment"), "touches 5.0 sectors of 32 bytes where 4.0 suffice"));
  CHECK(says(finding_of(found, "alignment"), "its first byte lies 4 bytes into a sector"));
}

TEST_CASE("findings: bank conflicts, and the padding that ends them") {
  const Finding* banks = nullptr;
  const std::vector<Finding> plain = findings_of(16, 32, 0, turns_a_tile<32>, x, y);
  banks = finding_of(plain, "banks");
  CHECK(says(banks, "(tile) takes 32.0 passes over the banks where 1.0 suffice"));
  CHECK(says(banks, "Pad each row by one word (33 instead of 32)"));
  REQUIRE(banks != nullptr);
  CHECK(banks->gain_us > 0);
  CHECK(finding_of(findings_of(16, 32, 0, turns_a_tile<33>, x, y), "banks") == nullptr);
}

TEST_CASE("findings: idle lanes") {
  CHECK(says(finding_of(findings_of(16, 256, 0, copies_with_some, x, y, 16u), "lanes"),
             "of a warp's 32 threads 16.0 take part"));
  CHECK(finding_of(findings_of(16, 256, 0, copies_with_some, x, y, 30u), "lanes") == nullptr);
}

TEST_CASE("findings: atomics that wait for each other") {
  const std::vector<Finding> found = findings_of(16, 256, 0, counts_into, x, bins, 1u);
  CHECK(says(finding_of(found, "atomics"), "of 4096 atomics 3968 go to an address"));
  CHECK(finding_of(findings_of(16, 256, 0, counts_into, x, bins, 32u), "atomics") == nullptr);
}

TEST_CASE("findings: inputs that are read over and over") {
  const std::vector<Finding> found = findings_of(dim3(2, 8), dim3(32, 8), 0, multiplies, x, x + 4096, y, 64);
  CHECK(says(finding_of(found, "reuse"), "the kernel reads its inputs"));
  CHECK(finding_of(found, "sectors") == nullptr);
}

TEST_CASE("findings: too few blocks, part of a warp, little occupancy, many barriers") {
  CHECK(says(finding_of(findings_of(1, 256, 0, copies, x, y, 1, 0), "blocks"),
             "1 block keeps 1 of the 4 multiprocessors"));
  CHECK(says(finding_of(findings_of(16, 40, 0, copies, x, y, 1, 0), "warps"), "its last warp has 8 of 32"));
  const std::vector<Finding> large = findings_of(16, 256, 100 << 10, copies, x, y, 1, 0);
  CHECK(says(finding_of(large, "occupancy"), "shared memory is what limits"));
  CHECK(says(finding_of(findings_of(16, 256, 0, waits_often, x, y, 20), "barriers"),
             "waits at 20 barriers for 2 accesses"));
  CHECK(finding_of(findings_of(16, 256, 0, waits_often, x, y, 1), "barriers") == nullptr);
}

TEST_CASE("findings: the most useful first") {
  const std::vector<Finding> found = findings_of(1, 40, 0, copies, x, y, 16, 1);
  REQUIRE(found.size() >= 3);
  for (std::size_t i = 1; i < found.size(); ++i) CHECK(found[i - 1].gain_us >= found[i].gain_us);
}
