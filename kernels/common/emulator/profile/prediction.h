// How long a launch takes at least on a device, by what it asks of memory: the largest of its bounds, as in the roofline model
// (Williams, Waterman, Patterson 2009) with a roof for each level of memory, and one for latency by Little's law (Volkov,
// "Understanding Latency Hiding on GPUs", 2016).
//
// What it does not know: arithmetic but that of tensor cores, and the issue of instructions, which are not counted; that DRAM is not always at its full
// rate; other kernels. So it is a lower bound that good kernels come near to, and no measurement has confirmed it yet.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "kernels/common/emulator/profile/devices.h"
#include "kernels/common/emulator/profile/occupancy.h"
#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

/// A launch, as far as the bounds need it.
struct Work {
  double blocks = 0;
  double warps = 0;  ///< of all blocks
  KernelResources resources;
  double dram_sectors = 0;  ///< distinct ones, or those that the profile's CacheModel lets through
  double l2_sectors = 0;    ///< new to the block that reads them, and all that are written
  double l1_lines = 0;      ///< of 128 bytes, looked up one after another
  double shared_passes = 0;
  double load_misses = 0;  ///< LaunchProfile::load_misses
  double load_rounds = 0;  ///< LaunchProfile::load_rounds
  double l2_reads = 0;     ///< sectors that blocks read past L1
  double dram_reads = 0;   ///< of those, what L2 has not
  double hottest_atomics = 0;
  std::array<double, kTensorPaths> tensor_operations{};
};

Work work_of(const LaunchProfile& launch, int registers);

/// What keeps a launch from being faster.
struct Bound {
  std::string name;  ///< "launch", "DRAM", "L2", "L1", "shared memory", "latency", "atomics", "tensor cores"
  double us = 0;
  std::string why;  ///< the numbers behind it
};

/// A bound that the launch has and the device no figure for.
struct LeftOut {
  std::string name;  ///< as Bound's
  std::string why;   ///< "no source was found for its bandwidth"
};

struct Prediction {
  double us = 0;            ///< of the largest bound
  std::size_t largest = 0;  ///< its place in `bounds`
  double work_us = 0;       ///< the same without the launch's own cost, which hides all else of small kernels
  std::size_t largest_work = 0;
  std::vector<Bound> bounds;  ///< those that the device has figures for; none if a block does not fit
  std::vector<LeftOut> left_out;
  Occupancy occupancy;

  bool fits() const { return !bounds.empty(); }
};

/// The bounds, with n = ceil(blocks / multiprocessors) blocks on the busiest multiprocessor:
///   launch     the device's launch cost
///   DRAM       32 bytes a sector / bandwidth
///   L2         32 bytes a sector / bandwidth
///   L1, or shared memory if that has more: n blocks' lines and passes, one a clock
///   latency    ceil(n / blocks at once) times a warp's dependent loads times L2's latency, or DRAM's for its part of them; loads
///              that L1 has are left out. Loads are dependent where all lanes have met in between, and a warp has at most
///              kLoadsInFlight on the way
///   atomics    one a clock at the hottest address (NVIDIA's Kepler GK110 whitepaper; assumed of later ones, too), a warp's
///              at one address taken together, as nvcc and the hardware mostly do
///   tensor     n blocks' operations / a multiprocessor's part of the device's rate for their types
Prediction predict(const Work& work, const Device& device);

/// Loads of a warp that wait at the same time at most: how far nvcc unrolls a loop of unknown length. An assumption.
inline constexpr double kLoadsInFlight = 4;

}  // namespace tern::emulator
