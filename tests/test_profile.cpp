// What the emulator counts, on kernels whose counts are known by hand.
#include "kernels/common/emulator/profile/profile.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/core/check.h"
#include "kernels/common/kernel.h"
#include "kernels/common/launch.h"
#include "kernels/common/vector.h"

using namespace tern;
using namespace tern::kernels;
using emulator::AccessCounts;
using emulator::LaunchProfile;
using emulator::Profile;
using emulator::Space;
using enum emulator::Access;

namespace {

__global__ void reads_with_stride(const float* x, float* y, int stride, int offset) {
  y[threadIdx.x] = x[static_cast<int>(threadIdx.x) * stride + offset];
}

__global__ void reads_vectors(const float* x, float* y) {
  store_vector(y + 4 * threadIdx.x, load_vector<4>(x + 4 * threadIdx.x));
}

// Lanes take different branches and store together, as on a GPU.
__global__ void clamps_vectors(const float* x, float* y, bool relu) {
  Vector<float, 4> value = load_vector<4>(x + 4 * threadIdx.x);
  for (int v = 0; v < 4; ++v) value[v] = relu && value[v] < 0 ? 0.0f : value[v];
  store_vector(y + 4 * threadIdx.x, value);
}

__global__ void reads_in_half_a_warp(const float* x, float* y) {
  if (threadIdx.x < 16) y[threadIdx.x] = x[threadIdx.x];
}

// Lane i goes round i times.
__global__ void loops_by_lane(const float* x, float* y) {
  float sum = 0;
  for (unsigned i = 0; i < threadIdx.x; ++i) sum += x[i];
  y[threadIdx.x] = sum;
}

template <int kPitch>
__global__ void transposes(const float* x, float* y) {
  TERN_SHARED(float, tile, 32 * kPitch);
  for (unsigned row = 0; row < 32; ++row) tile[row * kPitch + threadIdx.x] = x[row * 32 + threadIdx.x];
  __syncthreads();
  for (unsigned row = 0; row < 32; ++row) y[row * 32 + threadIdx.x] = tile[threadIdx.x * kPitch + row];
}

__global__ void shares_doubles(const double* x, double* y, int stride) {
  TERN_DYNAMIC_SHARED(double, tile);
  tile[static_cast<int>(threadIdx.x) * stride] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = tile[static_cast<int>(threadIdx.x) * stride];
}

__global__ void shares_vectors(const float* x, float* y, int stride) {
  TERN_DYNAMIC_SHARED(float, tile);
  float* const own = tile + 4 * static_cast<int>(threadIdx.x) * stride;
  store_vector(own, load_vector<4>(x + 4 * threadIdx.x));
  __syncthreads();
  store_vector(y + 4 * threadIdx.x, load_vector<4>(own));
}

__global__ void broadcasts(const float* x, float* y) {
  TERN_SHARED(float, one, 1);
  if (threadIdx.x == 0) one[0] = x[0];
  __syncthreads();
  y[threadIdx.x] = one[0];
}

__global__ void adds_at_few_places(int* y, int places) {
  atomicAdd(&y[static_cast<int>(threadIdx.x) % places], 1);
}

__global__ void sums_warps(const float* x, float* y) {
  float sum = x[threadIdx.x];
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(kFullMask, sum, distance);
  y[threadIdx.x] = sum;
}

/// Aligned as device memory is.
template <typename T>
struct Memory {
  explicit Memory(std::size_t count) : elements(count + 64 / sizeof(T)) {}
  T* get() {
    const auto at = reinterpret_cast<std::uintptr_t>(elements.data());
    return elements.data() + (64 - at % 64) % 64 / sizeof(T);
  }
  std::vector<T> elements;
};

template <typename Kernel, typename... Arguments>
LaunchProfile profile_of(dim3 grid, dim3 block, std::size_t shared_bytes, Kernel kernel,
                         Arguments... arguments) {
  Profile profile;
  launch(kernel, grid, block, shared_bytes, nullptr, arguments...);
  REQUIRE(profile.launches().size() == 1);
  return profile.launches().front();
}

AccessCounts reads_of(int stride, int offset, unsigned threads = 32) {
  Memory<float> x(4096), y(4096);
  return profile_of(1, threads, 0, reads_with_stride, x.get(), y.get(), stride, offset)
      .total(Space::global, read);
}

}  // namespace

TEST_CASE("profile: sectors of a warp's request, by stride and offset") {
  struct Row {
    int stride, offset;
    std::int64_t sectors, ideal;
  };
  for (const Row& row : {Row{1, 0, 4, 4}, Row{1, 1, 5, 4}, Row{1, 8, 4, 4}, Row{2, 0, 8, 4}, Row{8, 0, 32, 4},
                         Row{32, 0, 32, 4}, Row{33, 0, 32, 4}, Row{0, 5, 1, 1}}) {
    CAPTURE(row.stride);
    CAPTURE(row.offset);
    const AccessCounts counts = reads_of(row.stride, row.offset);
    CHECK(counts.requests == 1);
    CHECK(counts.lanes == 32);
    CHECK(counts.bytes == 128);
    CHECK(counts.sectors == row.sectors);
    CHECK(counts.sectors_per_request() == row.sectors);
    CHECK(counts.ideal_sectors == row.ideal);
    CHECK(counts.wavefronts == 0);
  }
  const AccessCounts several = reads_of(1, 0, 1000);  // 31 warps, and one of 8 lanes
  CHECK(several.requests == 32);
  CHECK(several.sectors == 125);
  CHECK(several.ideal_sectors == 125);
}

TEST_CASE("profile: a vector of four is one request; the built-in variables and arguments are none") {
  Memory<float> x(256), y(256);
  const LaunchProfile launched = profile_of(1, 64, 0, reads_vectors, x.get(), y.get());
  REQUIRE(launched.instructions.size() == 2);
  for (const emulator::Access access : {read, write}) {
    const AccessCounts counts = launched.total(Space::global, access);
    CHECK(counts.requests == 2);
    CHECK(counts.bytes == 1024);
    CHECK(counts.sectors == 32);
    CHECK(counts.ideal_sectors == 32);
  }
  CHECK(launched.sectors_read == 32);
  CHECK(launched.sectors_written == 32);
  CHECK(launched.block.x == 64);
}

TEST_CASE("profile: lanes that take part") {
  Memory<float> x(64), y(64);
  const LaunchProfile half = profile_of(1, 64, 0, reads_in_half_a_warp, x.get(), y.get());
  CHECK(half.total(Space::global, read).requests == 1);
  CHECK(half.total(Space::global, read).lanes_per_request() == 16);
  const LaunchProfile loops = profile_of(1, 32, 0, loops_by_lane, x.get(), y.get());
  const AccessCounts reads = loops.total(Space::global, read);
  CHECK(reads.requests == 31);
  CHECK(reads.lanes == 31 * 32 / 2);
  CHECK(reads.sectors == 31);  // all lanes read one word
  CHECK(loops.total(Space::global, write).requests == 1);
  CHECK(loops.sectors_read == 4);
  Memory<float> signs(128), clamped(128);
  for (int i = 0; i < 128; ++i) signs.get()[i] = i % 3 == 0 ? -1.0f : 1.0f;
  const LaunchProfile clamps = profile_of(1, 32, 0, clamps_vectors, signs.get(), clamped.get(), true);
  CHECK(clamps.total(Space::global, write).requests == 1);
  CHECK(clamps.total(Space::global, write).lanes == 32);
}

TEST_CASE("profile: bank conflicts of a transpose, without padding and with") {
  Memory<float> x(1024), y(1024);
  const LaunchProfile plain = profile_of(1, 32, 0, transposes<32>, x.get(), y.get());
  const LaunchProfile padded = profile_of(1, 32, 0, transposes<33>, x.get(), y.get());
  for (const LaunchProfile* launched : {&plain, &padded}) {
    CHECK(launched->total(Space::shared, write).requests == 32);
    CHECK(launched->total(Space::shared, write).bank_conflicts() == 0);
    CHECK(launched->total(Space::shared, read).requests == 32);
    CHECK(launched->total(Space::global, read).sectors_per_request() == 4);
    CHECK(launched->block_barriers == 1);
  }
  CHECK(plain.total(Space::shared, read).bank_conflicts() == 32 * 31);
  CHECK(padded.total(Space::shared, read).bank_conflicts() == 0);
  CHECK(plain.shared_bytes == 4096);
  CHECK(padded.shared_bytes == 4224);
}

// The second row as Nsight Compute counts it on a GPU: developer forum of NVIDIA, topic 359822.
TEST_CASE("profile: shared accesses of 16 bytes pass in four quarters") {
  struct Row {
    int stride;
    std::int64_t wavefronts, conflicts;
  };
  for (const Row& row : {Row{1, 4, 0}, Row{8, 32, 28}, Row{2, 8, 4}}) {
    CAPTURE(row.stride);
    Memory<float> x(128), y(128);
    const auto bytes = static_cast<std::size_t>(32 * 16 * row.stride);
    const LaunchProfile launched = profile_of(1, 32, bytes, shares_vectors, x.get(), y.get(), row.stride);
    for (const emulator::Access access : {read, write}) {
      const AccessCounts counts = launched.total(Space::shared, access);
      CHECK(counts.requests == 1);
      CHECK(counts.wavefronts == row.wavefronts);
      CHECK(counts.bank_conflicts() == row.conflicts);
    }
  }
}

TEST_CASE("profile: shared accesses of 8 bytes pass in two halves; a broadcast is one pass") {
  Memory<double> x(32), y(32);
  const LaunchProfile dense = profile_of(1, 32, 32 * 8, shares_doubles, x.get(), y.get(), 1);
  CHECK(dense.total(Space::shared, read).wavefronts == 2);
  CHECK(dense.total(Space::shared, read).bank_conflicts() == 0);
  const LaunchProfile strided = profile_of(1, 32, 64 * 8, shares_doubles, x.get(), y.get(), 2);
  CHECK(strided.total(Space::shared, read).wavefronts == 4);
  CHECK(strided.total(Space::shared, read).bank_conflicts() == 2);
  Memory<float> one(1), many(32);
  const LaunchProfile broadcast = profile_of(1, 32, 0, broadcasts, one.get(), many.get());
  CHECK(broadcast.total(Space::shared, read).wavefronts == 1);
  CHECK(broadcast.total(Space::shared, write).lanes == 1);
}

TEST_CASE("profile: atomics that wait for each other, barriers, warp operations, launches") {
  std::vector<int> places(32);
  const LaunchProfile one = profile_of(2, 64, 0, adds_at_few_places, places.data(), 1);
  CHECK(one.total(Space::global, atomic).requests == 4);
  CHECK(one.total(Space::global, atomic).contended == 4 * 31);
  const LaunchProfile four = profile_of(1, 32, 0, adds_at_few_places, places.data(), 4);
  CHECK(four.total(Space::global, atomic).contended == 28);
  Memory<float> x(64), y(64);
  const LaunchProfile sums = profile_of(1, 64, 0, sums_warps, x.get(), y.get());
  CHECK(sums.warp_operations == 10);
  CHECK(sums.warp_operation_lanes == 320);
  CHECK(sums.total(Space::global, read).requests == 2);
  Profile profile;
  CHECK_THROWS_AS(Profile(), Error);
  launch(sums_warps, 3, 32, 0, nullptr, x.get(), y.get());
  launch(sums_warps, 1, 32, 0, nullptr, x.get(), y.get());
  REQUIRE(profile.launches().size() == 2);
  CHECK(profile.launches()[0].grid.x == 3);
  CHECK(profile.launches()[0].total(Space::global, write).requests == 3);
  CHECK(profile.launches()[0].sectors_written == 4);  // each block writes the same
}

namespace {

struct Three {
  float x, y, z;
};

__global__ void copies_threes(const Three* x, Three* y) {
  y[threadIdx.x] = x[threadIdx.x];
}

}  // namespace

// As nvcc has it: three loads of 4 bytes, each with 12 bytes between neighbours.
TEST_CASE("profile: a struct of three floats goes by its parts") {
  alignas(128) Three x[32] = {}, y[32];
  emulator::Profile profile;
  launch(copies_threes, 1, 32, 0, nullptr, x, y);
  const auto loads = profile.launches().front().total(emulator::Space::global, emulator::Access::read);
  CHECK(loads.requests == 3);
  CHECK(loads.sectors == 36);
  CHECK(loads.ideal_sectors == 12);
  CHECK(loads.bytes == 384);
}
