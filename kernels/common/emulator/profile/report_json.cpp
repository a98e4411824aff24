#include <nlohmann/json.hpp>

#include "kernels/common/emulator/profile/kernel_report.h"
#include "kernels/common/emulator/profile/report.h"
#include "kernels/common/emulator/profile/trace.h"

namespace tern::emulator {
namespace {

using Json = nlohmann::ordered_json;

double ratio(std::int64_t count, std::int64_t of) {
  return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
}

Json extents_json(dim3 extents) {
  return {extents.x, extents.y, extents.z};
}

Json counts_json(const LaunchProfile& launch) {
  AccessCounts loads = launch.total(Space::global, Access::read);
  AccessCounts stores = launch.total(Space::global, Access::write);
  const AccessCounts atomics = launch.total(Space::global, Access::atomic);
  AccessCounts shared = launch.total(Space::shared, Access::read);
  shared += launch.total(Space::shared, Access::write);
  const AccessCounts shared_atomics = launch.total(Space::shared, Access::atomic);
  const auto blocks = std::int64_t{launch.grid.x} * launch.grid.y * launch.grid.z;
  const std::int64_t warps = (std::int64_t{launch.block.x} * launch.block.y * launch.block.z + 31) / 32;
  return {{"sectors_per_load", loads.sectors_per_request()},
          {"ideal_sectors_per_load", ratio(loads.ideal_sectors, loads.requests)},
          {"sectors_per_store", stores.sectors_per_request()},
          {"ideal_sectors_per_store", ratio(stores.ideal_sectors, stores.requests)},
          {"sectors", loads.sectors + stores.sectors + atomics.sectors},
          {"sectors_read_once", launch.sectors_read},
          {"sectors_written_once", launch.sectors_written},
          {"bank_conflicts", shared.bank_conflicts()},
          {"shared_passes", shared.wavefronts},
          {"barriers_per_block", ratio(launch.block_barriers, blocks * warps)},
          {"waiting_atomics", atomics.contended + shared_atomics.contended}};
}

Json step_json(const LaunchProfile& launch, const TraceStep& step) {
  const CodeLine line = code_line(step.place);
  Json json{{"what", what_text(step)},
            {"file", line.file},
            {"line", line.line},
            {"lanes", step.lanes},
            {"bytes", step.bytes}};
  if (step.bytes == 0) return json;
  const auto offsets = lane_offsets(step.lanes, step.addresses);
  for (unsigned lane = 0; lane < 32; ++lane) {
    json["offsets"].push_back(offsets[lane] ? Json(*offsets[lane]) : Json());
    json["labels"].push_back(offsets[lane] ? address_text(launch, step.addresses[lane]) : "");
  }
  return json;
}

Json stretch_json(const BlockStretch& stretch) {
  const CodeLine line = code_line(stretch.place);
  Json warps = Json::array();
  for (const WarpStretch& warp : stretch.warps)
    warps.push_back({{"lanes", warp.lanes}, {"global", warp.global}, {"shared", warp.shared}});
  return {
      {"barrier", stretch.barrier}, {"file", line.file}, {"line", line.line}, {"warps", std::move(warps)}};
}

Json trace_json(const LaunchProfile& launch) {
  Json steps = Json::array(), stretches = Json::array();
  for (const TraceStep& step : launch.trace) steps.push_back(step_json(launch, step));
  for (const BlockStretch& stretch : launch.timeline) stretches.push_back(stretch_json(stretch));
  return {{"is_cut", launch.trace_is_cut}, {"steps", std::move(steps)}, {"stretches", std::move(stretches)}};
}

}  // namespace

std::string json_report(const std::vector<LaunchProfile>& launches, const ReportOptions& options) {
  Json kernels = Json::array();
  for (const KernelReport& report : kernel_reports(launches, options)) {
    Json kernel{{"kernel", report.name},
                {"launches", report.launches},
                {"range", report.first.range},
                {"grid", extents_json(report.first.grid)},
                {"blocks_run", report.first.blocks_run},
                {"block", extents_json(report.first.block)},
                {"shared_bytes", report.first.shared_bytes},
                {"registers", report.registers},
                {"registers_known", report.are_registers_known}};
    kernel.update(counts_json(report.first));
    const Prediction& prediction = report.prediction;
    kernel["occupancy_percent"] = prediction.occupancy.warps_percent;
    kernel["predicted_us"] = prediction.us;
    kernel["bound"] = prediction.fits() ? prediction.bounds[prediction.largest].name : "does not fit";
    kernel["work_us"] = prediction.work_us;
    kernel["work_bound"] =
        prediction.fits() ? prediction.bounds[prediction.largest_work].name : "does not fit";
    Json& bounds = kernel["bounds_us"] = Json::object();
    for (const Bound& bound : prediction.bounds) bounds[bound.name] = bound.us;
    Json& left_out = kernel["bounds_left_out"] = Json::array();
    for (const LeftOut& bound : prediction.left_out)
      left_out.push_back({{"name", bound.name}, {"why", bound.why}});
    Json& metrics = kernel["metrics"] = Json::object();
    for (const Metric& metric : report.metrics) {
      if (!metric.ncu.empty()) metrics[metric.ncu] = metric.value;
    }
    Json& findings = kernel["findings"] = Json::array();
    for (const Finding& finding : report.findings)
      findings.push_back({{"file", finding.file}, {"line", finding.line}, {"text", finding.text}});
    if (!report.first.timeline.empty()) kernel["trace"] = trace_json(report.first);
    kernels.push_back(std::move(kernel));
  }
  return Json{{"device", options.device}, {"kernels", std::move(kernels)}}.dump(2) + "\n";
}

}  // namespace tern::emulator
