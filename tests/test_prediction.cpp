// Predicted times of launches whose bounds are known by hand, and the devices that they are predicted for.
#include "kernels/common/emulator/profile/prediction.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"

using namespace tern;
using namespace tern::emulator;

namespace {

/// 100 multiprocessors at 1 GHz, 1000 GB/s of DRAM, 4000 of L2, 500 ns, 2 us.
Device round_device() {
  Device device;
  device.name = "round";
  device.architecture = "sm_80";
  device.multiprocessors = 100;
  device.clock_ghz = 1;
  device.dram_gb_per_s = 1000;
  device.dram_latency_ns = 500;
  device.l2_bytes = 1 << 20;
  device.l2_gb_per_s = 4000;
  device.launch_us = 2;
  device.fp32_lanes = 64;
  device.tensor_tflops = {100, 0, 100, 50, 200};
  return device;
}

/// 800 blocks of 256 threads: 8 a multiprocessor, all at once.
Work small_work() {
  Work work;
  work.blocks = 800;
  work.warps = 6400;
  work.resources = {256, 32, 0};
  return work;
}

const Bound* bound_of(const Prediction& prediction, const std::string& name) {
  for (const Bound& bound : prediction.bounds) {
    if (bound.name == name) return &bound;
  }
  return nullptr;
}

std::string largest_of(const Prediction& prediction) {
  return prediction.bounds.at(prediction.largest).name;
}

}  // namespace

TEST_CASE("prediction: each bound by hand") {
  const Device device = round_device();
  Work work = small_work();
  CHECK(predict(work, device).us == doctest::Approx(2));
  CHECK(largest_of(predict(work, device)) == "launch");

  work.dram_sectors = 1e6;  // 32 MB at 1000 GB/s
  CHECK(largest_of(predict(work, device)) == "DRAM");
  CHECK(predict(work, device).us == doctest::Approx(32));

  work.l2_sectors = 5e6;  // 160 MB at 4000 GB/s
  CHECK(largest_of(predict(work, device)) == "L2");
  CHECK(predict(work, device).us == doctest::Approx(40));

  work.l1_lines = 5e6;  // 50,000 clocks on each multiprocessor
  CHECK(largest_of(predict(work, device)) == "L1");
  CHECK(predict(work, device).us == doctest::Approx(50));

  work.shared_passes = 6e6;  // after those
  CHECK(largest_of(predict(work, device)) == "shared memory");
  CHECK(predict(work, device).us == doctest::Approx(110));

  work.hottest_atomics = 200e3;
  CHECK(largest_of(predict(work, device)) == "atomics");
  CHECK(predict(work, device).us == doctest::Approx(200));

  work.load_rounds = 6400.0 * 500;  // 500 a warp, 500 ns each
  CHECK(largest_of(predict(work, device)) == "latency");
  CHECK(predict(work, device).us == doctest::Approx(250));
  work.load_rounds = 0;
  work.load_misses = 6400.0 * 2000;  // four on the way at a time
  CHECK(predict(work, device).us == doctest::Approx(250));
}

TEST_CASE("prediction: tensor cores, each type at its rate, on the busiest multiprocessor") {
  const Device device = round_device();
  const auto at = [](TensorPath path) { return static_cast<std::size_t>(path); };
  Work work = small_work();
  CHECK(bound_of(predict(work, device), "tensor cores") == nullptr);
  work.tensor_operations[at(TensorPath::fp16_fp32)] = 1e9;  // 10 us
  CHECK(bound_of(predict(work, device), "tensor cores")->us == doctest::Approx(10));
  work.tensor_operations[at(TensorPath::tf32_fp32)] = 1e9;  // 20 us more
  CHECK(bound_of(predict(work, device), "tensor cores")->us == doctest::Approx(30));
  CHECK(bound_of(predict(work, device), "tensor cores")->why == "2 GFLOP at 67 TFLOPS");
  work.tensor_operations[at(TensorPath::fp16_fp16)] = 1e9;  // which the device has not: left out
  CHECK(bound_of(predict(work, device), "tensor cores")->us == doctest::Approx(30));
  work.blocks = 1;  // 1 of 100 multiprocessors
  CHECK(bound_of(predict(work, device), "tensor cores")->us == doctest::Approx(3000));
}

TEST_CASE("prediction: blocks in turns, and on the busiest multiprocessor") {
  const Device device = round_device();
  Work work = small_work();
  work.load_rounds = 6400;  // one a warp
  CHECK(bound_of(predict(work, device), "latency")->us == doctest::Approx(0.5));
  work.blocks = 801;  // one has nine, which do not fit at once
  CHECK(bound_of(predict(work, device), "latency")->us > 0.99);
  work.blocks = 800;
  work.resources.registers = 64;  // four at once
  CHECK(bound_of(predict(work, device), "latency")->us == doctest::Approx(1));
  CHECK(predict(work, device).occupancy.limited_by == "registers");

  work = small_work();
  work.load_rounds = 6400;
  work.l2_reads = 100;
  work.dram_reads = 25;
  CHECK(bound_of(predict(work, device), "latency")->us == doctest::Approx(0.5));  // L2's is not known
  Device near = device;
  near.l2_latency_ns = 100;
  CHECK(bound_of(predict(work, near), "latency")->us ==
        doctest::Approx(0.2));  // 100 ns, a quarter of them 500

  Work few = small_work();
  few.blocks = 1;
  few.warps = 8;
  few.l1_lines = 10e3;  // all on one multiprocessor
  CHECK(bound_of(predict(few, device), "L1")->us == doctest::Approx(10));
}

TEST_CASE("prediction: a bound whose figure is not known is left out; a block that does not fit") {
  Device device = round_device();
  device.launch_us = device.l2_gb_per_s = device.dram_latency_ns = 0;
  Work work = small_work();
  work.dram_sectors = work.l2_sectors = work.load_rounds = 1e6;
  const Prediction prediction = predict(work, device);
  CHECK(prediction.fits());
  CHECK(bound_of(prediction, "launch") == nullptr);
  CHECK(bound_of(prediction, "L2") == nullptr);
  CHECK(bound_of(prediction, "latency") == nullptr);
  CHECK(largest_of(prediction) == "DRAM");
  work.resources.shared_bytes = 200 << 10;
  CHECK(!predict(work, device).fits());
  CHECK(predict(work, device).us == 0);
}

TEST_CASE("devices: by name, each with what no prediction can do without") {
  CHECK(device("h100").multiprocessors == 132);
  CHECK(device("rtx4090").name == "RTX 4090");
  CHECK(device("A100").fp32_tflops() == doctest::Approx(19.5).epsilon(0.01));
  CHECK(device("H100").fp32_tflops() == doctest::Approx(67).epsilon(0.01));
  CHECK(device("B200").fp32_tflops() == doctest::Approx(75).epsilon(0.01));
  CHECK(device("RTX 4090").fp32_tflops() == doctest::Approx(82.6).epsilon(0.01));
  CHECK(device("T4").fp32_tflops() == doctest::Approx(8.1).epsilon(0.01));
  CHECK_THROWS_WITH_AS(device("V100"), "device: wanted one of T4, A100, RTX 4090, H100, H200, B200, got V100",
                       Error);
  for (const Device& one : devices()) {
    CAPTURE(one.name);
    CHECK_NOTHROW(architecture(one.architecture));
    CHECK(one.multiprocessors > 0);
    CHECK(one.clock_ghz > 1);
    CHECK(one.dram_gb_per_s > 100);
    CHECK(one.l2_bytes > 0);
    CHECK(one.tensor_tflops[0] >= 1.99 * one.fp32_tflops());
    CHECK(one.tensor_tflops[4] >= one.tensor_tflops[0]);
    const bool has_l2 = one.l2_gb_per_s > 0;
    if (has_l2) CHECK(one.l2_gb_per_s > one.dram_gb_per_s);
    CHECK(one.l2_latency_ns <= one.dram_latency_ns / 2);
  }
}
