// What the emulator finds in global memory when asked, on kernels that are wrong on purpose, and that it is silent on right
// ones.
#include "kernels/common/emulator/global_memory.h"

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "kernels/common/emulator/emulator.h"
#include "kernels/common/emulator/kernel_fault.h"
#include "kernels/common/last_block.h"
#include "kernels/common/vector.h"
#include "tests/support/kernel_failure.h"

using namespace tern;
using namespace tern::kernels;

namespace {

constexpr unsigned kThreads = 64;
__device__ int table[64];

__global__ void copies(const int* x, int* y, int offset) {
  y[threadIdx.x] = x[static_cast<int>(threadIdx.x) + offset];
}

__global__ void writes_at(int* y, int index) {
  if (threadIdx.x == 3) y[index] = 1;
}

__global__ void reads_vector(const float* x, float* y, int index) {
  store_vector(y, load_vector<4>(x + index));
}

// What UndefinedBehaviorSanitizer would say, too.
__attribute__((no_sanitize("alignment"))) __global__ void reads_whole(const float* x, float* y) {
  *reinterpret_cast<double*>(y) = *reinterpret_cast<const double*>(x);
}

__global__ void reads_static_data_and_own_stack(int* y) {
  int own[4] = {1, 2, 3, 4};
  int* volatile begin = own;
  y[threadIdx.x] = begin[threadIdx.x % 4] + table[threadIdx.x];
  table[threadIdx.x] = 1;
}

__global__ void adds_to_all(int* sum) {
  atomicAdd(sum, 1);
}

__global__ void writes_own(int* y) {
  y[blockIdx.x * blockDim.x + threadIdx.x] = 1;
}

// Races.
__global__ void shifts_within_a_block(int* x, bool wait) {
  const int left = x[threadIdx.x];
  if (wait) __syncthreads();
  x[threadIdx.x + 1] = left;
}

__global__ void shifts_within_a_warp(int* x, bool wait) {
  const int left = x[threadIdx.x];
  if (wait) __syncwarp();
  x[threadIdx.x + 1] = left;
}

__global__ void all_blocks_write_one(int* y) {
  if (threadIdx.x == 0) y[0] = 1;
}

__global__ void shifts_across_blocks(int* x) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const int next = i + 1 < gridDim.x * blockDim.x ? x[i + 1] : 0;
  __syncthreads();
  x[i] = next;
}

__global__ void counts_and_reads_too_early(int* sum, int* y) {
  atomicAdd(sum, 1);
  __syncthreads();
  if (threadIdx.x == 0) y[blockIdx.x] = *sum;
}

__global__ void all_threads_write(int* y, int several) {
  y[0] = 7 + static_cast<int>(threadIdx.x) % several;
}

__global__ void all_threads_write_block(int* y) {
  y[0] = static_cast<int>(blockIdx.x);
}

TERN_UNTOLD int compare_and_swap(int* place, int expected, int value) {
  emulator::note_compare_and_swap(place, sizeof(int), std::source_location::current());
  const int old = *place;
  if (old == expected) *place = value;
  return old;
}

/// As CUDA's manual has an atomic operation that the GPU lacks.
__global__ void adds_by_compare_and_swap(int* sum, int value) {
  int old = *sum, assumed;
  do {
    assumed = old;
    old = compare_and_swap(sum, assumed, assumed + value);
  } while (old != assumed);
}

__global__ void writes_bytes(unsigned char* y) {
  y[blockIdx.x * blockDim.x + threadIdx.x] = 1;
}

// The last block sums what all have left, with or without what orders them.
enum class Fence { none, of_block, of_one, of_all_before_a_barrier, after_the_atomic };

__global__ void sums_in_the_last_block(int* partials, unsigned* arrivals, int* total, Fence fence) {
  partials[blockIdx.x * blockDim.x + threadIdx.x] = 1;
  if (fence == Fence::of_all_before_a_barrier) __threadfence();
  __syncthreads();
  bool last = false;
  if (threadIdx.x == 0) {
    if (fence == Fence::of_one) __threadfence();
    if (fence == Fence::of_block) __threadfence_block();
    last = atomicAdd(arrivals, 1u) + 1 == gridDim.x;
    if (fence == Fence::after_the_atomic) __threadfence();
  }
  if (__syncthreads_or(last) == 0) return;
  if (threadIdx.x != 0) return;
  int sum = 0;
  for (unsigned i = 0; i < gridDim.x * blockDim.x; ++i) sum += partials[i];
  *total = sum;
}

__global__ void sums_by_the_products_helper(int* partials, unsigned* arrivals, int* total) {
  if (threadIdx.x == 0) partials[blockIdx.x] = 1;
  if (!is_last_block(arrivals) || threadIdx.x != 0) return;
  int sum = 0;
  for (unsigned i = 0; i < gridDim.x; ++i) sum += partials[i];
  *total = sum;
}

// Block 0 writes for block 1, which says so to block 2: through two addresses.
__global__ void hands_on(int* value, unsigned* first, unsigned* second, int* y) {
  if (threadIdx.x != 0) return;
  if (blockIdx.x == 0) {
    *value = 7;
    __threadfence();
    atomicAdd(first, 1u);
  } else if (blockIdx.x == 1) {
    if (atomicAdd(first, 1u) != 1) return;
    __threadfence();
    atomicAdd(second, 1u);
  } else if (atomicAdd(second, 1u) == 1) {
    *y = *value;
  }
}

__global__ void hands_on_by_a_flag(int* value, volatile int* flag, int* y, bool fence) {
  if (threadIdx.x != 0) return;
  if (blockIdx.x == 0) {
    *value = 7;
    if (fence) __threadfence();
    *flag = 1;
  } else if (*flag == 1) {
    *y = *value;
  }
}

struct Checked {
  explicit Checked(emulator::GlobalChecks checks) { emulator::set_global_checks(checks); }
  ~Checked() { emulator::set_global_checks({}); }
};

/// Device memory of a test: apart from the next one by more than what an index misses it by.
template <typename T>
struct Memory {
  explicit Memory(std::size_t count, std::string name, bool written = true)
      : room(count + 2 * kApart + 64), size(count) {
    emulator::add_allocation(data(), count * sizeof(T), std::move(name));
    if (written) emulator::mark_written(data(), count * sizeof(T));
  }
  ~Memory() { emulator::remove_allocation(data()); }
  T* data() {
    const auto at = reinterpret_cast<std::uintptr_t>(room.data() + kApart);
    return room.data() + kApart + (64 - at % 64) % 64 / sizeof(T);
  }

  static constexpr std::size_t kApart = 4096;
  std::vector<T> room;
  std::size_t size;
};

std::vector<int> addresses_of_the_device(100000);  // for good, as they are told

template <typename... Parameters>
std::string failure(unsigned blocks, unsigned threads, void (*kernel)(Parameters...),
                    std::type_identity_t<Parameters>... arguments) {
  return test::failure(blocks, threads, 0, kernel, arguments...);
}

std::string line_of(const std::string& text) {
  return test::line_of("test_global_memory.cpp", text);
}

}  // namespace

TEST_CASE("global memory: an access outside of what was allocated is an error that says where") {
  const Checked checked({.bounds = true});
  Memory<int> x(kThreads, "x"), y(kThreads, "y");
  CHECK(failure(1, kThreads, copies, x.data(), y.data(), 0) == "");
  const std::string after = failure(1, kThreads, copies, x.data(), y.data(), 1);
  CHECK_FAILS(after,
              "block (0, 0, 0), thread (63, 0, 0): reads element 64, after the end of x, which has 64 "
              "elements of 4 bytes, at ");
  CHECK_FAILS(after, line_of("x[static_cast<int>(threadIdx.x) + offset]"));
  CHECK_FAILS(failure(1, kThreads, copies, x.data(), y.data(), -2),
              "reads element -2, before the begin of x, which has 64 elements");
  CHECK_FAILS(failure(1, kThreads, writes_at, y.data(), 1000),
              "thread (3, 0, 0): writes element 1000, after the end of y");
  CHECK_FAILS(failure(1, 4, writes_at, nullptr, 2), "writes 4 bytes at the null pointer + 8");
  CHECK_FAILS(failure(1, 4, writes_at, y.data(), -(1 << 30)), "where there is no memory");
  std::vector<int> host(100000);
  CHECK_FAILS(failure(1, 1, copies, host.data() + 50000, y.data(), 0), "reads 4 bytes in memory of the host");
  CHECK_FAILS(failure(1, 1, adds_to_all, host.data() + 50000), "updates 4 bytes in memory of the host");
  CHECK(failure(1, kThreads, reads_static_data_and_own_stack, y.data()) == "");
  CHECK(failure(1, kThreads, copies, x.data(), y.data(), 0) == "");  // clean after an error

  Memory<float> z(6, "z");
  CHECK(failure(1, 1, reads_vector, z.data(), z.data(), 0) == "");
  CHECK_FAILS(failure(1, 1, reads_whole, z.data() + 1, z.data()),
              "reads bytes 4 to 11 of z by 8 bytes at once, whose address is not aligned to them");
  CHECK_FAILS(failure(1, 1, reads_vector, z.data(), z.data(), 4),
              "reads bytes 16 to 31, beyond the end of z, which has 24 bytes");
}

TEST_CASE("global memory: freed memory is told as such until it is given out again") {
  const Checked checked({.bounds = true});
  Memory<int> y(kThreads, "y");
  std::vector<int> room(kThreads);
  emulator::add_allocation(room.data(), kThreads * sizeof(int), "old");
  emulator::remove_allocation(room.data());
  CHECK_FAILS(failure(1, kThreads, copies, room.data(), y.data(), 2), "reads element 2 of freed memory: old");
  emulator::add_allocation(room.data() + 1, 4, "new");
  CHECK_FAILS(failure(1, 4, writes_at, room.data(), 3),
              "writes element 2, after the end of new, which has 1 element of 4 bytes");
  emulator::remove_allocation(room.data() + 1);
  emulator::remove_allocation(room.data() + 5);  // nothing begins there
}

TEST_CASE("global memory: what has a name is told by it, wherever the address lies") {
  const Checked checked({.bounds = true, .races = true, .unwritten = true});
  Memory<int> room(kThreads + 20, "room"), y(kThreads, "memory of y", /*written=*/false);
  const struct Named {
    explicit Named(std::vector<emulator::ArrayName> names) { emulator::name_arrays(std::move(names)); }
    ~Named() { emulator::name_arrays({}); }
  } named({{"x", room.data() + 10, sizeof(int), /*is_read_only=*/true},
           {"y", y.data(), sizeof(int)},
           {"pairs", y.data(), 2 * sizeof(int), /*is_read_only=*/true},
           {"nothing", nullptr, sizeof(int)}});
  CHECK_FAILS(failure(1, 4, writes_at, y.data(), 64),
              "writes y[64], after the end of y, which has 64 elements of 4 bytes: memory of y, at ");
  CHECK_FAILS(failure(1, 4, writes_at, y.data(), -3), "writes y[-3], before the begin of y, which has 64");
  CHECK_FAILS(failure(1, 4, writes_at, nullptr, 2), "writes nothing[2], at the null pointer + 8");
  CHECK_FAILS(failure(1, 1, copies, y.data(), room.data(), 7),
              "reads y[7], which nobody has written: memory of y");
  CHECK_FAILS(failure(1, kThreads, shifts_within_a_block, room.data() + 10, false),
              "reads x[1], which block");
  CHECK_FAILS(failure(1, 1, reads_whole, reinterpret_cast<float*>(room.data() + 11),
                      reinterpret_cast<float*>(room.data())),
              "reads x[1] to x[2] by 8 bytes at once");
  emulator::name_arrays(
      {{"pairs", y.data(), 2 * sizeof(int)}, {"count", room.data(), sizeof(int), false, true}});
  CHECK_FAILS(failure(1, 1, copies, y.data(), room.data(), 7),
              "reads pairs[3] (byte 4), which nobody has written");
  CHECK_FAILS(failure(2, kThreads, all_blocks_write_one, room.data()), "writes count, which block (0, 0, 0)");
}

TEST_CASE(
    "global memory: where addresses are the device's alone, one far from everything belongs to what is "
    "nearest") {
  const Checked checked({.bounds = true});
  std::vector<int>& device = addresses_of_the_device;
  emulator::note_device_addresses(device.data(), device.size() * sizeof(int));
  emulator::add_allocation(device.data(), 8, "first");
  emulator::add_allocation(device.data() + 50000, 8, "second");
  CHECK_FAILS(failure(1, 4, writes_at, device.data(), 20000), "writes element 20000, after the end of first");
  CHECK_FAILS(failure(1, 4, writes_at, device.data(), 30000),
              "writes element -20000, before the begin of second");
  emulator::remove_allocation(device.data());
  CHECK_FAILS(failure(1, 4, writes_at, device.data(), 3),
              "writes element 3, after the end of freed memory: first");
}

TEST_CASE("global memory: bytes that nobody has written are not read") {
  const Checked checked({.unwritten = true});
  Memory<int> x(kThreads, "x", /*written=*/false), y(kThreads, "y", /*written=*/false);
  CHECK_FAILS(failure(1, kThreads, copies, x.data(), y.data(), 0),
              "reads element 0 of x, which nobody has written");
  emulator::mark_written(x.data(), 33 * sizeof(int) + 2);
  CHECK_FAILS(failure(1, kThreads, copies, x.data(), y.data(), 0),
              "thread (33, 0, 0): reads element 33 of x");
  CHECK_FAILS(failure(1, 1, adds_to_all, x.data() + 40), "updates element 40 of x");
  CHECK(failure(1, kThreads, writes_own, x.data()) == "");
  CHECK(failure(1, kThreads, copies, x.data(), y.data(), 0) == "");
  CHECK(failure(1, kThreads, copies, y.data(), x.data(), 0) == "");
}

TEST_CASE("global memory: threads of a block that meet without a barrier race") {
  const Checked checked({.races = true});
  Memory<int> x(kThreads + 1, "x");
  CHECK(failure(1, kThreads, shifts_within_a_block, x.data(), true) == "");
  const std::string race = failure(1, kThreads, shifts_within_a_block, x.data(), false);
  CHECK_FAILS(
      race,
      "block (0, 0, 0), thread (1, 0, 0): reads element 1 of x, which block (0, 0, 0), thread (0, 0, 0) "
      "wrote at ");
  CHECK_FAILS(race, line_of("x[threadIdx.x + 1] = left"));
  CHECK_FAILS(race, "nothing orders the two: no barrier lies between them");
  CHECK(failure(1, 32, shifts_within_a_warp, x.data(), true) == "");
  CHECK_FAILS(failure(1, 32, shifts_within_a_warp, x.data(), false), "no barrier");
  CHECK_FAILS(failure(1, kThreads, shifts_within_a_warp, x.data(), true), "reads element 32 of x");
  std::vector<int> unknown(kThreads + 1);  // to the emulator
  CHECK_FAILS(failure(1, kThreads, shifts_within_a_block, unknown.data(), false), "reads address 0x");
}

std::vector<std::string> notes;

TEST_CASE("global memory: races that a GPU runs as they are meant may be told apart") {
  const auto note = [](const emulator::KernelFault& harmless) { notes.push_back(harmless.what()); };
  const Checked checked({.races = true, .note = note});
  Memory<int> y(4, "y");
  CHECK(failure(2, kThreads, all_threads_write, y.data(), 1) == "");
  REQUIRE(notes.size() == 1);  // the lines are told once
  CHECK_FAILS(
      notes[0],
      "block (0, 0, 0), thread (1, 0, 0): writes element 0 of y, which block (0, 0, 0), thread (0, 0, "
      "0) wrote at ");
  CHECK_FAILS(notes[0], "Both write the same value");
  const std::string race = failure(1, kThreads, all_threads_write, y.data(), 2);
  CHECK_FAILS(race,
              "block (0, 0, 0), thread (1, 0, 0): writes element 0 of y, which block (0, 0, 0), thread (0");
  CHECK_FAILS(race, line_of("y[0] = 7 + "));
  CHECK_FAILS(failure(2, 1, all_threads_write_block, y.data()),
              "block (1, 0, 0), thread (0, 0, 0): writes element 0");

  CHECK(failure(3, 1, adds_by_compare_and_swap, y.data(), 2) == "");
  REQUIRE(notes.size() == 2);
  CHECK_FAILS(notes[1], "block (1, 0, 0), thread (0, 0, 0): reads element 0 of y");
  CHECK_FAILS(notes[1], "as it is meant where the atomicCAS checks it");
  CHECK_FAILS(failure(3, 1, counts_and_reads_too_early, y.data(), y.data() + 1), "element 0 of y");
  CHECK(notes.size() == 2);
}

TEST_CASE("global memory: blocks that meet with nothing that orders them race") {
  const Checked checked({.races = true});
  Memory<int> x(4 * kThreads, "x"), y(4, "y");
  CHECK(failure(4, kThreads, writes_own, x.data()) == "");
  CHECK(failure(1, kThreads, all_blocks_write_one, y.data()) == "");
  CHECK_FAILS(
      failure(2, kThreads, all_blocks_write_one, y.data()),
      "block (1, 0, 0), thread (0, 0, 0): writes element 0 of y, which block (0, 0, 0), thread (0, 0, "
      "0) wrote at");
  CHECK_FAILS(failure(4, kThreads, shifts_across_blocks, x.data()),
              "element 64 of x, which block (0, 0, 0), thread (63, 0, 0) read");
  CHECK(failure(4, kThreads, adds_to_all, y.data()) == "");
  CHECK_FAILS(failure(4, kThreads, counts_and_reads_too_early, y.data(), x.data()),
              "updates element 0 of y, which block (0, 0, 0), thread (0, 0, 0) read at");
  Memory<unsigned char> bytes(4 * kThreads, "bytes");
  CHECK(failure(4, 13, writes_bytes, bytes.data()) == "");  // neighbours of one word
}

TEST_CASE("global memory: a fence and an atomic order blocks, and neither does alone") {
  const Checked checked({.races = true});
  Memory<int> partials(4 * kThreads, "partials"), total(1, "total");
  Memory<unsigned> arrivals(2, "arrivals");
  const auto with = [&](Fence fence) {
    arrivals.data()[0] = 0;
    total.data()[0] = 0;
    return failure(4, kThreads, sums_in_the_last_block, partials.data(), arrivals.data(), total.data(),
                   fence);
  };
  CHECK(with(Fence::of_one) == "");
  CHECK(total.data()[0] == 4 * kThreads);
  CHECK(with(Fence::of_all_before_a_barrier) == "");
  const std::string none = with(Fence::none);
  CHECK_FAILS(none,
              "block (3, 0, 0), thread (0, 0, 0): reads element 0 of partials, which block (0, 0, 0), thread "
              "(0, 0, 0) wrote");
  CHECK_FAILS(none, "no __threadfence() between the write and the atomic at ");
  CHECK_FAILS(with(Fence::after_the_atomic), "no __threadfence() between");
  CHECK_FAILS(with(Fence::of_block), "no __threadfence() between");

  arrivals.data()[0] = 0;
  CHECK(failure(4, kThreads, sums_by_the_products_helper, partials.data(), arrivals.data(), total.data()) ==
        "");
  CHECK(total.data()[0] == 4);
  CHECK(arrivals.data()[0] == 0);
}

TEST_CASE("global memory: what is acquired is handed on") {
  const Checked checked({.races = true});
  Memory<int> value(1, "value"), y(1, "y");
  Memory<unsigned> counters(2, "counters");
  CHECK(failure(3, 32, hands_on, value.data(), counters.data(), counters.data() + 1, y.data()) == "");
  CHECK(y.data()[0] == 7);
}

TEST_CASE("global memory: volatile memory is no race, and orders as atomics do") {
  const Checked checked({.races = true});
  Memory<int> value(1, "value"), y(2, "y"), flag(1, "flag");
  CHECK(failure(2, 32, hands_on_by_a_flag, value.data(), flag.data(), y.data(), true) == "");
  CHECK(y.data()[0] == 7);
  flag.data()[0] = 0;
  CHECK_FAILS(failure(2, 32, hands_on_by_a_flag, value.data(), flag.data(), y.data(), false),
              "reads element 0 of value, which block (0, 0, 0), thread (0, 0, 0) wrote at");
}
