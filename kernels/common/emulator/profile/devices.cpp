#include "kernels/common/emulator/profile/devices.h"

#include <algorithm>
#include <cctype>

#include "engine/core/check.h"

namespace tern::emulator {
namespace {

// Sources, by their short names below:
//   data sheet     NVIDIA's data sheet or architecture whitepaper of the GPU
//   gpu-benches    github.com/te42kyfo/gpu-benches at 1c36d50, the measured series in its folders
//   C&C            chipsandcheese.com, "Nvidia's B200: Keeping the CUDA Juggernaut Rolling" and "Nvidia's H100: Funny L2"
//   ao-4002        github.com/pytorch/ao/pull/4002, what a B200's driver says of it
// Rates of tensor cores are those of data sheets, without sparsity: with float sums, with half sums, bf16, tf32, integers of 8 bits.
// Launch costs are gpu-small-kernels of gpu-benches: 64 KiB at the rate that its first row has. PyTorch's own launches on an
// H100 were measured at 5.2 us (github.com/tusharhqq/napkin-math-gpu, results/h100-sxm.md), framework included.

std::vector<Device> make_devices() {
  std::vector<Device> all(6);
  Device& t4 = all[0];
  t4 = {.name = "T4", .about = "PCIe, 16 GB", .architecture = "sm_75"};
  t4.multiprocessors = 40;                 // data sheet (Turing whitepaper): 2,560 lanes
  t4.clock_ghz = 1.59;                     // data sheet; 70 W seldom allow it
  t4.dram_gb_per_s = 320;                  // data sheet
  t4.l2_bytes = 4 << 20;                   // data sheet
  t4.fp32_lanes = 64;                      // data sheet
  t4.tensor_tflops = {65, 65, 0, 0, 130};  // data sheet
  // No measured L2 bandwidth, latency or launch cost was found to cite.

  Device& a100 = all[1];
  a100 = {.name = "A100", .about = "SXM4, 80 GB", .architecture = "sm_80"};
  a100.multiprocessors = 108;  // data sheet
  a100.clock_ghz = 1.41;       // data sheet
  a100.dram_gb_per_s = 2039;   // data sheet (the 40 GB one: 1,555)
  a100.dram_latency_ns = 405;  // gpu-benches, gpu-latency/a100_80.txt: 572 cycles at 1.41 GHz
  a100.l2_latency_ns = 150;    // the same: 211 cycles
  a100.l2_bytes = 40 << 20;    // data sheet
  a100.l2_gb_per_s = 5400;     // gpu-benches, gpu-l2-cache/a100_80.txt, up to 20 MB
  a100.launch_us = 2.7;        // gpu-benches, gpu-small-kernels/a100_80.txt: 24 GB/s
  a100.fp32_lanes = 64;        // data sheet
  a100.tensor_tflops = {312, 312, 312, 156, 624};  // data sheet

  Device& rtx4090 = all[2];
  rtx4090 = {.name = "RTX 4090", .about = "24 GB", .architecture = "sm_89"};
  rtx4090.multiprocessors = 128;  // data sheet (Ada whitepaper), C&C
  rtx4090.clock_ghz = 2.52;       // data sheet
  rtx4090.dram_gb_per_s = 1008;   // data sheet
  rtx4090.dram_latency_ns =
      254;  // gpu-benches, gpu-latency/l40.txt: 632 cycles at 2.49 GHz, the same chip with GDDR6
  rtx4090.l2_latency_ns = 111;  // the same: 277 cycles
  rtx4090.l2_bytes = 72 << 20;  // data sheet, C&C
  rtx4090.l2_gb_per_s = 5200;   // gpu-benches, gpu-l2-cache/l40.txt: the same chip, 142 multiprocessors
  rtx4090.launch_us = 1.6;      // gpu-benches, gpu-small-kernels/l40.txt: 40 GB/s
  rtx4090.fp32_lanes = 128;     // data sheet
  rtx4090.tensor_tflops = {165.2, 330.3, 165.2, 82.6, 660.6};  // data sheet

  Device& h100 = all[3];
  h100 = {.name = "H100", .about = "SXM5, 80 GB", .architecture = "sm_90"};
  h100.multiprocessors = 132;  // data sheet
  h100.clock_ghz = 1.98;       // data sheet: what its 67 TFLOPS in single precision need
  h100.dram_gb_per_s = 3350;   // data sheet
  h100.dram_latency_ns =
      375;                   // gpu-benches, gpu-latency/h100_pcie.txt: 658 cycles at 1.755 GHz, the PCIe one
  h100.l2_latency_ns = 151;  // the same: 266 cycles
  h100.l2_bytes = 50 << 20;  // data sheet
  h100.l2_gb_per_s = 9700;   // gpu-benches, gpu-l2-cache/h200.txt, the same chip; the PCIe one has 6,950
  h100.launch_us = 2.5;      // gpu-benches, gpu-small-kernels/h200.txt: 26 GB/s
  h100.fp32_lanes = 128;     // data sheet
  h100.tensor_tflops = {989.4, 989.4, 989.4, 494.7, 1978.9};  // data sheet

  Device& h200 = all[4];
  h200 = h100;  // the same chip with other memory
  h200.name = "H200";
  h200.about = "SXM, 141 GB";
  h200.dram_gb_per_s =
      4800;  // data sheet; gpu-benches, gpu-stream/h200.txt: 3,900 read with the usual occupancy

  Device& b200 = all[5];
  b200 = {.name = "B200", .about = "SXM, 180 GB", .architecture = "sm_100"};
  b200.multiprocessors = 148;              // C&C, ao-4002
  b200.clock_ghz = 1.98;                   // data sheet (HGX): what its 75 TFLOPS in single precision need
  b200.dram_gb_per_s = 7672;               // ao-4002, of the bus width and clock; data sheet: "8 TB/s"
  b200.l2_bytes = std::size_t{126} << 20;  // C&C, ao-4002
  b200.fp32_lanes = 128;                   // data sheet
  b200.tensor_tflops = {2250, 2250, 2250, 1100, 4500};  // data sheet (HGX), half of what it has with sparsity
  // C&C draw L2's bandwidth and DRAM's latency without a number to cite; launch costs were not found.
  return all;
}

std::string in_lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  return text;
}

}  // namespace

const std::vector<Device>& devices() {
  static const auto* const all =
      new std::vector<Device>(make_devices());  // a program's report is written when it ends
  return *all;
}

const Device& device(const std::string& name) {
  std::string names;
  for (const Device& one : devices()) {
    if (in_lower_case(one.name) == in_lower_case(name)) return one;
    names += (names.empty() ? "" : ", ") + one.name;
  }
  throw Error("device", "one of " + names, name);
}

}  // namespace tern::emulator
