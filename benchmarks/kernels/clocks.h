// Whether a sample was taken at the clocks that a GPU has when nothing holds them down. Without a device of its own: what the
// driver tells comes from a ClockSource (nvml.h), in tests from a made-up one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace tern::bench {

/// What the driver tells of a GPU's clocks at one moment.
struct ClockState {
  int sm_mhz = 0, memory_mhz = 0;  ///< 0: not told
  std::uint64_t held_down_by =
      0;  ///< bits of ClockLimit, and others of the driver's, which are no matter here
};

/// NVML's bits for what lowers clocks against the will of who measures.
enum ClockLimit : std::uint64_t {
  kPowerCap = 0x4,
  kHardwareSlowdown = 0x8,
  kSyncBoost = 0x10,
  kThermal = 0x20,
  kHardwareThermal = 0x40,
  kPowerBrake = 0x80
};
/// A GPU that has nothing to do: what its clocks are then says nothing of those under work. Others of NVML's bits are for clocks that
/// somebody has chosen.
inline constexpr std::uint64_t kIdle = 0x1;

class ClockSource {
 public:
  virtual ~ClockSource() = default;
  /// Nothing if the driver does not answer.
  virtual std::optional<ClockState> read() = 0;
};

/// For a whole run of measurements, since what counts as the full clock is the highest that was seen in it: a GPU whose clocks
/// somebody has locked is at its full clock, too.
class ClockGate {
 public:
  /// Of a sample between two readings: why it does not count, or nothing if it does. Where the driver did not answer, it does.
  std::optional<std::string> refuse(const std::optional<ClockState>& before,
                                    const std::optional<ClockState>& after);
  /// The highest seen; 0: none was told.
  int sm_mhz() const { return sm_mhz_; }
  int memory_mhz() const { return memory_mhz_; }

 private:
  std::optional<std::string> refuse(const std::optional<ClockState>& state) const;

  int sm_mhz_ = 0, memory_mhz_ = 0;
};

}  // namespace tern::bench
