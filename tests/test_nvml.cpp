// The driver's management library: one that is made up, and none.
#include "benchmarks/kernels/nvml.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"

using namespace tern;
using bench::Nvml;

TEST_CASE("nvml: clocks, what holds them down, and what the device is") {
  Nvml nvml("0000:3b:00.0", TERN_MADE_UP_NVML);
  const std::optional<bench::ClockState> first = nvml.read(), second = nvml.read();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(first->sm_mhz == 1950);  // the constructor has asked once
  CHECK(second->sm_mhz == 1935);
  CHECK(second->memory_mhz == 3201);
  CHECK(second->held_down_by == bench::kThermal);
  CHECK(nvml.driver_version() == "580.65.06");
  CHECK(nvml.highest_sm_mhz() == 1980);
  CHECK(nvml.power_limit_watts() == 700);
}

TEST_CASE("nvml: it says what is missing") {
  CHECK_THROWS_WITH_AS(Nvml("0000:3b:00.0", "libno-such-library.so.1"),
                       doctest::Contains("NVML: wanted the driver's libno-such-library.so.1, got "), Error);
  CHECK_THROWS_WITH_AS(Nvml("0000:3b:00.0", "libm.so.6"),
                       "NVML: wanted the function nvmlInit_v2 in libm.so.6, got none", Error);
  CHECK_THROWS_WITH_AS(Nvml("0000:ff:00.0", TERN_MADE_UP_NVML),
                       "NVML: wanted the device 0000:ff:00.0, got Not Found", Error);
  CHECK_THROWS_WITH_AS(Nvml("0000:5e:00.0", TERN_MADE_UP_NVML),
                       "NVML: wanted the clock of device 0000:5e:00.0, got Not Supported", Error);
}
