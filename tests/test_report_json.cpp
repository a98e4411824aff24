// The report for programs of a launch made by hand: counts, and a trace's steps and stretches.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "kernels/common/emulator/profile/report.h"

using namespace tern::emulator;
using nlohmann::json;

namespace {

/// One block of two warps: four lanes load, a barrier, lane 3 stores.
LaunchProfile some_launch() {
  LaunchProfile launch;
  launch.block = {64, 1, 1};
  launch.block_barriers = 2;
  launch.arrays.push_back({.name = "x", .begin = 0x1000, .bytes = 256, .element_bytes = 4});
  TraceStep load{.kind = TraceStep::Kind::read, .place = {nullptr, "a.cu", 7}, .lanes = 0b11110, .bytes = 4};
  for (unsigned lane = 1; lane < 5; ++lane) load.addresses[lane] = 0x1084 + 4 * lane;
  const TraceStep barrier{
      .kind = TraceStep::Kind::block_barrier, .place = {nullptr, "a.cu", 8}, .operation = "__syncthreads"};
  launch.trace = {load, barrier};
  launch.timeline = {{{{.lanes = 0b11110, .global = 4}, {}}, "__syncthreads", {nullptr, "a.cu", 8}},
                     {{{.lanes = 8, .shared = 1}, {}}, "", {}}};
  return launch;
}

}  // namespace

TEST_CASE("json: a trace has what each lane touched and who worked between barriers") {
  const json report = json::parse(json_report({some_launch()}, {}));
  const json& kernel = report["kernels"].at(0);
  CHECK(report["device"] == "H100");
  CHECK(kernel["barriers_per_block"] == 1);
  const json& trace = kernel["trace"];
  CHECK(trace["is_cut"] == false);
  REQUIRE(trace["steps"].size() == 2);
  const json& load = trace["steps"][0];
  CHECK(load["what"] == "load");
  CHECK(load["file"] == "a.cu");
  CHECK(load["line"] == 7);
  CHECK(load["lanes"] == 0b11110);
  CHECK(load["offsets"].size() == 32);
  CHECK(load["offsets"][0].is_null());
  CHECK(load["offsets"][1] == 8);  // from 0x1080
  CHECK(load["offsets"][4] == 20);
  CHECK(load["labels"][0] == "");
  CHECK(load["labels"][4] == "x[37]");
  CHECK(trace["steps"][1] ==
        json({{"what", "__syncthreads"}, {"file", "a.cu"}, {"line", 8}, {"lanes", 0}, {"bytes", 0}}));
  REQUIRE(trace["stretches"].size() == 2);
  CHECK(trace["stretches"][0]["barrier"] == "__syncthreads");
  CHECK(trace["stretches"][0]["line"] == 8);
  CHECK(trace["stretches"][0]["warps"] == json::array({{{"lanes", 0b11110}, {"global", 4}, {"shared", 0}},
                                                       {{"lanes", 0}, {"global", 0}, {"shared", 0}}}));
  CHECK(trace["stretches"][1]["barrier"] == "");
  CHECK(trace["stretches"][1]["warps"][0]["shared"] == 1);
}

TEST_CASE("json: bounds that a device has no figure for") {
  const json of_b200 = json::parse(json_report({some_launch()}, {.device = "B200"}))["kernels"].at(0);
  REQUIRE(of_b200["bounds_left_out"].size() == 1);
  CHECK(of_b200["bounds_left_out"][0]["name"] == "launch");
  CHECK(json::parse(json_report({some_launch()}, {}))["kernels"].at(0)["bounds_left_out"].empty());
}

TEST_CASE("json: no trace of a launch that has none") {
  LaunchProfile launch = some_launch();
  launch.trace.clear();
  launch.timeline.clear();
  CHECK(!json::parse(json_report({launch}, {}))["kernels"].at(0).contains("trace"));
}
