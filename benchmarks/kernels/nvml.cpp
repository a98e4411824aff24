#include "benchmarks/kernels/nvml.h"

#include <dlfcn.h>

#include <array>

#include "engine/core/check.h"

namespace tern::bench {
namespace {

// Of nvml.h, which toolkits may be without; the ABI is kept from release to release.
using Device = struct nvmlDevice_st*;
using Status = int;  // 0: success
constexpr int kSmClock = 1, kMemoryClock = 2;

}  // namespace

struct Nvml::Library {
  std::string name;
  void* handle = nullptr;
  Device device = nullptr;
  bool is_begun = false;

  Status (*begin)() = nullptr;
  Status (*end)() = nullptr;
  const char* (*error_text)(Status) = nullptr;
  Status (*driver_version)(char* text, unsigned bytes) = nullptr;
  Status (*device_of)(const char* pci_bus_id, Device* device) = nullptr;
  Status (*clock)(Device device, int kind, unsigned* mhz) = nullptr;
  Status (*highest_clock)(Device device, int kind, unsigned* mhz) = nullptr;
  Status (*held_down_by)(Device device, unsigned long long* bits) = nullptr;
  Status (*power_limit)(Device device, unsigned* milliwatts) = nullptr;

  explicit Library(const std::string& file) : name(file), handle(dlopen(file.c_str(), RTLD_NOW)) {
    if (handle == nullptr) throw Error("NVML", "the driver's " + file, dlerror());
    try {
      find_functions();
    } catch (...) {
      dlclose(handle);
      throw;
    }
  }
  ~Library() {
    if (is_begun) end();
    dlclose(handle);
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  template <typename Function>
  void find(Function*& function, const char* symbol, const char* former = nullptr) {
    void* found = dlsym(handle, symbol);
    if (found == nullptr && former != nullptr) found = dlsym(handle, former);
    if (found == nullptr) throw Error("NVML", std::string("the function ") + symbol + " in " + name, "none");
    function = reinterpret_cast<Function*>(found);
  }
  void find_functions() {
    find(begin, "nvmlInit_v2");
    find(end, "nvmlShutdown");
    find(error_text, "nvmlErrorString");
    find(driver_version, "nvmlSystemGetDriverVersion");
    find(device_of, "nvmlDeviceGetHandleByPciBusId_v2");
    find(clock, "nvmlDeviceGetClockInfo");
    find(highest_clock, "nvmlDeviceGetMaxClockInfo");
    find(held_down_by, "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons");
    find(power_limit, "nvmlDeviceGetEnforcedPowerLimit");
  }
  void check(Status status, const std::string& what) const {
    if (status != 0) throw Error("NVML", what, error_text(status));
  }
};

Nvml::Nvml(const std::string& pci_bus_id, const std::string& library)
    : library_(std::make_unique<Library>(library)) {
  Library& of = *library_;
  of.check(of.begin(), "to begin");
  of.is_begun = true;
  of.check(of.device_of(pci_bus_id.c_str(), &of.device), "the device " + pci_bus_id);
  unsigned mhz = 0;
  of.check(of.clock(of.device, kSmClock, &mhz), "the clock of device " + pci_bus_id);
}

Nvml::~Nvml() = default;

std::optional<ClockState> Nvml::read() {
  const Library& of = *library_;
  unsigned sm = 0, memory = 0;
  unsigned long long held_down_by = 0;
  if (of.clock(of.device, kSmClock, &sm) != 0) return std::nullopt;
  if (of.clock(of.device, kMemoryClock, &memory) != 0) memory = 0;
  if (of.held_down_by(of.device, &held_down_by) != 0) held_down_by = 0;
  return ClockState{static_cast<int>(sm), static_cast<int>(memory), held_down_by};
}

std::string Nvml::driver_version() const {
  std::array<char, 96> text{};
  return library_->driver_version(text.data(), text.size() - 1) == 0 ? text.data() : "unknown";
}

int Nvml::highest_sm_mhz() const {
  unsigned mhz = 0;
  return library_->highest_clock(library_->device, kSmClock, &mhz) == 0 ? static_cast<int>(mhz) : 0;
}

double Nvml::power_limit_watts() const {
  unsigned milliwatts = 0;
  return library_->power_limit(library_->device, &milliwatts) == 0 ? milliwatts / 1e3 : 0;
}

}  // namespace tern::bench
