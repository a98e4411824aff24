// Each finding appears for the kernel that has the fault, and not for the one that has not.
#include "kernels/common/emulator/profile/findings.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kernels/common/emulator/profile/metrics.h"
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

/// A step of a bitonic sort, in which every fourth thread works.
__global__ void exchanges_neighbours(float* y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i % 4 != 0) return;
  const float one = y[i], other = y[i + 1];
  y[i] = other, y[i + 1] = one;
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

__global__ void copies_before(const float* x, float* y, int count) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) y[i] = x[i];
}

__global__ void copies_pixels_before(const float* x, float* y, int width, int height) {
  const int column = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x),
            row = static_cast<int>(blockIdx.y * blockDim.y + threadIdx.y);
  if (column < width && row < height) y[row * width + column] = x[row * width + column];
}

__global__ void copies_by_strides(const float* x, float* y, int count) {
  const int stride = static_cast<int>(gridDim.x * blockDim.x);
  for (int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < count; i += stride) y[i] = x[i];
}

// The block's threads all store in shared memory, the last ones a zero.
__global__ void copies_through_a_tile(const float* x, float* y, int count) {
  TERN_SHARED(float, tile, 64);
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  tile[threadIdx.x] = 0;
  if (i < count) tile[threadIdx.x] = x[i];
  __syncthreads();
  if (i < count) y[i] = tile[threadIdx.x ^ 1u];
}

__global__ void adds_up_alone(const float* x, float* y, int count) {
  y[threadIdx.x] = 0;
  float sum = 0;
  for (int i = 0; i < count; ++i) {
    if (threadIdx.x == 0) sum += x[i];
  }
  if (threadIdx.x == 0) y[0] = sum;
}

__global__ void adds_in_pairs(const float* x, float* y) {
  TERN_SHARED(float, partial, 64);
  partial[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  for (unsigned half = 32; half > 0; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) y[0] = partial[0];
}

struct Particle {
  float x, y, z, vx, vy, vz;
};

__global__ void moves(Particle* particles, float step) {
  Particle& one = particles[blockIdx.x * blockDim.x + threadIdx.x];
  one.x += one.vx * step;
  one.y += one.vy * step;
}

// Interleaved colours, without a struct.
__global__ void turns_grey(const unsigned char* colours, float* grey) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  grey[i] = 0.3f * colours[3 * i] + 0.6f * colours[3 * i + 1] + 0.1f * colours[3 * i + 2];
}

__global__ void adds_up_rows(const float* x, float* y, int columns) {
  const int row = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  float sum = 0;
  for (int column = 0; column < columns; ++column) sum += x[row * columns + column];
  y[row] = sum;
}

__global__ void adds_columns(const float* a, const float* b, float* y, int stride) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  y[i] = a[i] + b[i * stride];
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
  CHECK(sectors->line == 22);
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
  CHECK(says(banks, "(tile) takes 32.0 passes over the banks where 1.0 suffices"));
  CHECK(says(banks, "where these are rows, pad each by one word (33 instead of 32)"));
  REQUIRE(banks != nullptr);
  CHECK(banks->gain_us > 0);
  CHECK(finding_of(findings_of(16, 32, 0, turns_a_tile<33>, x, y), "banks") == nullptr);
}

TEST_CASE("findings: idle lanes") {
  CHECK(says(finding_of(findings_of(16, 256, 0, copies_with_some, x, y, 16u), "lanes"),
             "of a warp's 32 threads 16.0 take part"));
  CHECK(finding_of(findings_of(16, 256, 0, copies_with_some, x, y, 30u), "lanes") == nullptr);
}

TEST_CASE("findings: lanes that a guard keeps away are not told to diverge") {
  const auto lanes_of = [](const std::vector<Finding>& found) {
    return finding_of(found, "lanes") != nullptr;
  };
  for (const int count : {3, 10, 31, 33, 40, 70}) {
    CAPTURE(count);
    CHECK(!lanes_of(findings_of((count + 31) / 32, 32, 0, copies_before, x, y, count)));
    CHECK(!lanes_of(findings_of(1, 128, 0, copies_before, x, y, count)));
    CHECK(!lanes_of(findings_of((count + 63) / 64, 64, 0, copies_through_a_tile, x, y, count)));
    CHECK(!lanes_of(findings_of(1, 32, 0, copies_by_strides, x, y, count)));
    CHECK(!lanes_of(
        findings_of(dim3((count + 15) / 16, 2), dim3(16, 16), 0, copies_pixels_before, x, y, count, 20)));
    CHECK(!lanes_of(findings_of(dim3(2, 2), dim3(64, 4), 0, copies_pixels_before, x, y, count, 6)));
  }
}

TEST_CASE("findings: lanes that wait are told where no guard keeps them away") {
  CHECK(says(finding_of(findings_of(1, 64, 0, adds_up_alone, x, y, 100), "lanes"),
             "of a warp's 32 threads 1.0 take part"));
  CHECK(finding_of(findings_of(1, 64, 0, adds_in_pairs, x, y), "lanes") != nullptr);
  CHECK(finding_of(findings_of(1, 32, 0, copies_with_some, x, y, 16u), "lanes") ==
        nullptr);  // as if (i < 16)
  CHECK(finding_of(findings_of(2, 64, 0, copies_with_some, x, y, 16u), "lanes") != nullptr);
}

TEST_CASE("findings: structs that are read field by field, with their size and lines") {
  auto* const particles = reinterpret_cast<Particle*>(outputs);
  const std::vector<Finding> found = findings_of(16, 256, 0, moves, particles, 0.5f);
  const Finding* const structs = finding_of(found, "structs");
  CHECK(says(structs, "structs of 24 bytes are read and written field by field (lines"));
  CHECK(says(structs, "touches 24.0 sectors of 32 bytes where 4.0 suffice. Make it a structure of arrays"));
  CHECK(finding_of(found, "sectors") == nullptr);
  REQUIRE(structs != nullptr);
  CHECK(says(structs, std::to_string(structs->line)));
  CHECK(structs->gain_us > 0);
  CHECK(finding_of(found, "reuse") == nullptr);  // its sectors come again for other fields

  const auto* const colours = reinterpret_cast<const unsigned char*>(inputs);
  CHECK(says(finding_of(findings_of(16, 256, 0, turns_grey, colours, y), "structs"),
             "structs of 3 bytes are read field by field (line "));
  const std::vector<Finding> of_rows = findings_of(4, 64, 0, adds_up_rows, x, y, 8);
  CHECK(finding_of(of_rows, "structs") == nullptr);
  CHECK(says(finding_of(of_rows, "sectors"), "neighbouring threads are 8 elements of 4 bytes apart"));
}

TEST_CASE("findings: what every fourth thread touches is no field of a struct") {
  const std::vector<Finding> found = findings_of(16, 256, 0, exchanges_neighbours, y);
  CHECK(finding_of(found, "structs") == nullptr);
  CHECK(says(finding_of(found, "sectors"), "threads between those that take part do nothing"));
}

TEST_CASE("findings: structs by the type that the kernel's own pointer has") {
  Profile profile;
  profile.name_array(outputs, sizeof(outputs), sizeof(Particle), "particles");
  launch(moves, 4, 64, 0, nullptr, reinterpret_cast<Particle*>(outputs), 0.5f);
  const LaunchProfile& launched = profile.launches().at(0);
  const std::vector<Finding> found =
      findings(launched, line_counts(launched), work_of(launched, 32), small_device());
  CHECK(says(finding_of(found, "structs"), "particles: structs of 24 bytes are"));
}

TEST_CASE("findings: of two arrays on a line the one that is off, with its own ideal") {
  Profile profile;
  profile.name_array(inputs, 1 << 16, sizeof(float), "a");
  profile.name_array(inputs + (1 << 14), 3 << 16, sizeof(float), "b");
  launch(adds_columns, 4, 64, 0, nullptr, x, x + (1 << 14), y, 16);
  const LaunchProfile& launched = profile.launches().at(0);
  const std::vector<LineCounts> lines = line_counts(launched);
  const std::vector<Finding> found = findings(launched, lines, work_of(launched, 32), small_device());
  CHECK(says(finding_of(found, "sectors"),
             "a warp's load of b touches 32.0 sectors of 32 bytes where 4.0 suffice"));
  CHECK(std::count_if(found.begin(), found.end(), [](const Finding& one) { return one.kind == "sectors"; }) ==
        1);
  const std::vector<Metric> all = metrics(launched, lines, {});
  const auto loads =
      std::find_if(all.begin(), all.end(), [](const Metric& one) { return one.label == "sectors a load"; });
  REQUIRE(loads != all.end());
  CHECK(loads->value == 18);
  CHECK(loads->beside.find("ideal 4.00, farthest from it test_findings.cpp:") == 0);
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
