#include "kernels/common/emulator/profile/prediction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/common/emulator/counted.h"

namespace tern::emulator {
namespace {

constexpr double kSectorSize = 32;

Bound dram_bound(const Work& work, const Device& device) {
  const double bytes = work.dram_sectors * kSectorSize;
  return {"DRAM", bytes / device.dram_gb_per_s * 1e-3,
          fmt::format("{:.3g} MB at {:.0f} GB/s", bytes * 1e-6, device.dram_gb_per_s)};
}

Bound l2_bound(const Work& work, const Device& device) {
  const double bytes = work.l2_sectors * kSectorSize;
  return {"L2", bytes / device.l2_gb_per_s * 1e-3,
          fmt::format("{:.3g} MB at {:.0f} GB/s", bytes * 1e-6, device.l2_gb_per_s)};
}

Bound l1_bound(const Work& work, const Device& device, double busiest_blocks) {
  const double share = busiest_blocks / work.blocks;
  const double clocks = share * (work.l1_lines + work.shared_passes);
  return {work.shared_passes > work.l1_lines ? "shared memory" : "L1", clocks / device.clock_ghz * 1e-3,
          fmt::format("{} and {} over the banks on the busiest multiprocessor, one a clock",
                      counted(share * work.l1_lines, "line"), counted(share * work.shared_passes, "pass"))};
}

Bound latency_bound(const Work& work, const Device& device, double busiest_blocks, int blocks_at_once) {
  const double turns = std::ceil(busiest_blocks / blocks_at_once);
  const double loads = std::max(work.load_rounds, work.load_misses / kLoadsInFlight) / work.warps;
  const double far = work.l2_reads > 0 ? std::min(1.0, work.dram_reads / work.l2_reads) : 1;
  const double near_ns = device.l2_latency_ns > 0 ? device.l2_latency_ns : device.dram_latency_ns;
  const double ns = near_ns + far * (device.dram_latency_ns - near_ns);
  return {"latency", turns * loads * ns * 1e-3,
          fmt::format("turns of blocks: {:.0f}, of loads one after another: {:.1f}, {:.0f} ns each", turns,
                      loads, ns)};
}

Bound atomics_bound(const Work& work, const Device& device) {
  return {"atomics", work.hottest_atomics / device.clock_ghz * 1e-3,
          fmt::format("{:.0f} at one address, one a clock", work.hottest_atomics)};
}

/// One type after another.
Bound tensor_bound(const Work& work, const Device& device, double busiest_blocks) {
  const double share = busiest_blocks / work.blocks;
  double us = 0, all = 0;
  for (std::size_t path = 0; path < kTensorPaths; ++path) {
    const double operations = work.tensor_operations[path], rate = device.tensor_tflops[path];
    if (operations <= 0 || rate <= 0) continue;
    us += share * operations * device.multiprocessors / rate * 1e-6;
    all += operations;
  }
  return {"tensor cores", us,
          fmt::format("{:.3g} GFLOP at {:.0f} TFLOPS", all * 1e-9,
                      all / us * share * device.multiprocessors * 1e-6)};
}

/// What the launch asks of something that the device has no figure for.
std::vector<LeftOut> left_out(const Work& work, const Device& device) {
  static constexpr std::array<const char*, kTensorPaths> kTypes{"fp16", "fp16 added up in fp16", "bf16",
                                                                "tf32", "8-bit integers"};
  std::vector<LeftOut> all;
  if (device.launch_us <= 0) all.push_back({"launch", "no source was found for what one costs"});
  if (device.l2_gb_per_s <= 0 && work.l2_sectors > 0)
    all.push_back({"L2", "no source was found for its bandwidth"});
  if (device.dram_latency_ns <= 0 && work.load_rounds + work.load_misses > 0)
    all.push_back({"latency", "no source was found for that of DRAM"});
  for (std::size_t path = 0; path < kTensorPaths; ++path) {
    if (work.tensor_operations[path] > 0 && device.tensor_tflops[path] <= 0)
      all.push_back({"tensor cores", fmt::format("{}'s do not take {}", device.name, kTypes[path])});
  }
  return all;
}

}  // namespace

Work work_of(const LaunchProfile& launch, int registers) {
  const AccessCounts loads = launch.total(Space::global, Access::read),
                     stores = launch.total(Space::global, Access::write),
                     atomics = launch.total(Space::global, Access::atomic);
  AccessCounts shared = launch.total(Space::shared, Access::read);
  shared += launch.total(Space::shared, Access::write);
  shared += launch.total(Space::shared, Access::atomic);
  const CacheCounts& cache = launch.cache;
  const bool has_cache = cache.read_hits + cache.read_misses + cache.written_back > 0;
  const auto number = [](std::int64_t count) { return static_cast<double>(count); };
  Work work;
  work.blocks = number(launch.blocks());
  work.warps = number(launch.warps());
  work.resources = {static_cast<int>(launch.block.x * launch.block.y * launch.block.z), registers,
                    launch.shared_bytes};
  work.dram_sectors = number(has_cache ? cache.read_misses + cache.written_back
                                       : launch.sectors_read + launch.sectors_written);
  work.l2_sectors = number(launch.block_sectors_read + stores.sectors + atomics.sectors);
  work.l1_lines = number(loads.lines + stores.lines + atomics.lines);
  work.shared_passes = number(shared.wavefronts + shared.contended);
  work.load_misses = number(launch.load_misses);
  work.l2_reads = number(has_cache ? cache.read_hits + cache.read_misses : launch.block_sectors_read);
  work.dram_reads = number(has_cache ? cache.read_misses : launch.sectors_read);
  work.load_rounds = number(launch.load_rounds);
  work.hottest_atomics = number(launch.hottest_atomics);
  std::transform(launch.tensor_operations.begin(), launch.tensor_operations.end(),
                 work.tensor_operations.begin(), number);
  return work;
}

Prediction predict(const Work& work, const Device& device) {
  Prediction prediction;
  prediction.occupancy = occupancy(architecture(device.architecture), work.resources);
  const int blocks_at_once = prediction.occupancy.blocks;
  if (blocks_at_once == 0 || work.blocks <= 0) return prediction;
  const double busiest = std::ceil(work.blocks / device.multiprocessors);
  std::vector<Bound>& bounds = prediction.bounds;
  prediction.left_out = left_out(work, device);
  if (device.launch_us > 0) bounds.push_back({"launch", device.launch_us, "what any launch costs"});
  bounds.push_back(dram_bound(work, device));
  if (device.l2_gb_per_s > 0) bounds.push_back(l2_bound(work, device));
  bounds.push_back(l1_bound(work, device, busiest));
  if (device.dram_latency_ns > 0) bounds.push_back(latency_bound(work, device, busiest, blocks_at_once));
  if (work.hottest_atomics > 0) bounds.push_back(atomics_bound(work, device));
  if (Bound tensor = tensor_bound(work, device, busiest); tensor.us > 0) bounds.push_back(std::move(tensor));
  for (std::size_t i = 0; i < bounds.size(); ++i) {
    if (bounds[i].us > bounds[prediction.largest].us) prediction.largest = i;
    if (bounds[i].name == "launch" || bounds[i].us <= prediction.work_us) continue;
    prediction.largest_work = i;
    prediction.work_us = bounds[i].us;
  }
  prediction.us = bounds[prediction.largest].us;
  return prediction;
}

}  // namespace tern::emulator
