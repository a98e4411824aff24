// A GPU's clocks by NVIDIA's management library, which comes with the driver and is loaded when it is asked for: a build needs
// nothing of it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "benchmarks/kernels/clocks.h"

namespace tern::bench {

class Nvml final : public ClockSource {
 public:
  /// `pci_bus_id`: as cudaDeviceGetPCIBusId gives it. Throws Error if there is no such library, if it is without a function that
  /// is needed here, or does not tell the device's clocks (a part of a GPU has none of its own).
  explicit Nvml(const std::string& pci_bus_id, const std::string& library = "libnvidia-ml.so.1");
  ~Nvml() override;

  std::optional<ClockState> read() override;
  std::string driver_version() const;
  /// The highest clock of the SMs that the device has at all; 0: not told.
  int highest_sm_mhz() const;
  /// 0: not told.
  double power_limit_watts() const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace tern::bench
