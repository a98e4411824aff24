// Blocks of a multiprocessor against NVIDIA's own calculation, and what limits them on cases that are known by hand.
#include "kernels/common/emulator/profile/occupancy.h"

#include <doctest/doctest.h>

#include <fstream>

#include "engine/core/check.h"

using namespace tern;
using emulator::architecture;
using emulator::occupancy;
using emulator::Occupancy;

TEST_CASE("occupancy: blocks as cuda_occupancy.h has them") {
  std::ifstream file(std::string(TERN_SOURCE_DIR) + "/tests/goldens/occupancy.txt");
  std::string capability;
  int threads = 0, registers = 0, blocks = 0, rows = 0;
  std::size_t shared = 0;
  while (file >> capability >> threads >> registers >> shared >> blocks) {
    CAPTURE(capability);
    CAPTURE(threads);
    CAPTURE(registers);
    CAPTURE(shared);
    CHECK(occupancy(architecture("sm_" + capability), {threads, registers, shared}).blocks == blocks);
    ++rows;
  }
  CHECK(rows == 3600);
}

TEST_CASE("occupancy: what limits it") {
  const auto limit = [](const char* name, int threads, int registers, std::size_t shared) {
    return occupancy(architecture(name), {threads, registers, shared});
  };
  const Occupancy full = limit("sm_90", 256, 32, 0);
  CHECK(full.blocks == 8);
  CHECK(full.warps_percent == 100);
  CHECK(limit("sm_90", 256, 40, 0).limited_by == "registers");
  CHECK(limit("sm_90", 256, 40, 0).warps_percent == 75);
  CHECK(limit("sm_90", 128, 32, 48 << 10).limited_by == "shared memory");
  CHECK(limit("sm_90", 128, 32, 48 << 10).blocks == 4);
  CHECK(limit("sm_86", 512, 32, 0).limited_by == "threads");
  CHECK(limit("sm_86", 32, 32, 0).limited_by == "blocks");
  CHECK(limit("sm_86", 32, 32, 0).blocks == 16);
  CHECK(limit("sm_80", 1024, 128, 0).blocks == 0);
  CHECK(limit("sm_75", 256, 32, 0).blocks == 4);
  CHECK(limit("sm_75", 32, 32, 0).blocks == 16);
  CHECK(limit("sm_75", 128, 32, 32 << 10).blocks == 2);  // the system keeps nothing of it
}

TEST_CASE("occupancy: what no kernel has") {
  const emulator::Architecture any = architecture("sm_80");
  CHECK_THROWS_WITH_AS(occupancy(any, {0, 32, 0}), "occupancy: wanted 1 to 1024 threads in a block, got 0",
                       Error);
  CHECK_THROWS_WITH_AS(occupancy(any, {32, 256, 0}),
                       "occupancy: wanted 1 to 255 registers in a thread, got 256", Error);
  CHECK_THROWS_WITH_AS(architecture("sm_70"),
                       "architecture: wanted one of sm_75, sm_80, sm_86, sm_89, sm_90, sm_100, got sm_70",
                       Error);
}
