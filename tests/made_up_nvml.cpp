// A management library as the driver has it, for test_nvml: one device at 0000:3b:00.0, whose SM clock falls at each question;
// and one without clocks of its own at 0000:5e:00.0.
#include <cstring>

extern "C" {

namespace {
constexpr int kSuccess = 0, kNotSupported = 3, kNotFound = 6;
int begun = 0;
unsigned sm_mhz = 1980;
int whole, part;  // devices
}  // namespace

int nvmlInit_v2() {
  return ++begun == 0 ? kNotFound : kSuccess;
}
int nvmlShutdown() {
  sm_mhz = 1980;
  return --begun == 0 ? kSuccess : kNotFound;
}
const char* nvmlErrorString(int status) {
  return status == kNotSupported ? "Not Supported" : status == kNotFound ? "Not Found" : "Unknown Error";
}
int nvmlSystemGetDriverVersion(char* text, unsigned bytes) {
  std::strncpy(text, "580.65.06", bytes);
  return begun > 0 ? kSuccess : kNotFound;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** device) {
  *device = std::strcmp(bus, "0000:3b:00.0") == 0 ? &whole : &part;
  return std::strcmp(bus, "0000:ff:00.0") == 0 ? kNotFound : kSuccess;
}
int nvmlDeviceGetClockInfo(void* device, int kind, unsigned* mhz) {
  if (device == &part) return kNotSupported;
  *mhz = kind == 1 ? sm_mhz -= 15 : 3201;
  return kSuccess;
}
int nvmlDeviceGetMaxClockInfo(void*, int kind, unsigned* mhz) {
  *mhz = kind == 1 ? 1980 : 3201;
  return kSuccess;
}
// By its former name, which drivers before 535 have alone.
int nvmlDeviceGetCurrentClocksThrottleReasons(void*, unsigned long long* bits) {
  *bits = 0x20;
  return kSuccess;
}
int nvmlDeviceGetEnforcedPowerLimit(void*, unsigned* milliwatts) {
  *milliwatts = 700000;
  return kSuccess;
}

}  // extern "C"
