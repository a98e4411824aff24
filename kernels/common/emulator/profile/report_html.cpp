#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "engine/core/check.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/profile/kernel_report.h"
#include "kernels/common/emulator/profile/page.h"
#include "kernels/common/emulator/profile/report.h"
#include "kernels/common/emulator/profile/trace.h"

namespace tern::emulator {
namespace {

using PageJson = nlohmann::json;

constexpr int kLinesAround = 3, kMostTraceSteps = 2000;

PageJson request_json(const LaunchProfile& launch, const Request& request) {
  const auto of_lanes = lane_offsets(request.lanes, request.addresses);
  PageJson offsets = PageJson::array(), labels = PageJson::array();
  for (unsigned lane = 0; lane < 32; ++lane) {
    offsets.push_back(of_lanes[lane] ? PageJson(*of_lanes[lane]) : PageJson());
    labels.push_back(of_lanes[lane] ? address_text(launch, request.addresses[lane]) : "");
  }
  return {{"offsets", offsets},
          {"labels", labels},
          {"bytes", request.bytes},
          {"warp", request.warp},
          {"block", fmt::format("{}, {}, {}", request.block.x, request.block.y, request.block.z)}};
}

PageJson access_json(const LaunchProfile& launch, const LineAccess& access) {
  const AccessCounts& counts = access.counts;
  const char* const what = access.access == Access::read    ? "load"
                           : access.access == Access::write ? "store"
                                                            : "atomic";
  const auto each = [&](std::int64_t count) {
    return static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(counts.requests, 1));
  };
  const bool is_shared = access.space == Space::shared;
  PageJson json = request_json(launch, access.worst);
  json["shared"] = is_shared;
  json["what"] =
      is_shared
          ? fmt::format(
                "{} of shared memory by {:.1f} threads each: {:.1f} passes over the banks (ideal {:.1f})",
                counted(counts.requests, what), counts.lanes_per_request(), each(counts.wavefronts),
                each(counts.ideal_wavefronts))
          : fmt::format("{} by {:.1f} threads each: {:.1f} sectors (ideal {:.1f})",
                        counted(counts.requests, what), counts.lanes_per_request(), each(counts.sectors),
                        each(counts.ideal_sectors));
  std::string within;
  for (const SourceLine& line : access.within)
    within += fmt::format("{}{}, {}:{}", within.empty() ? "" : "; ", line.function, file_name(line.file),
                          line.line);
  json["within"] = within;
  return json;
}

/// What the page shows, and finds lines by.
std::string path_text(const std::string& path) {
  return path.empty() ? "no debug information: instructions by number" : path;
}

/// The lines that cost something, and those around them.
PageJson files_json(const KernelReport& report, SourceText& source) {
  std::int64_t all = 0;
  std::map<std::string, std::map<int, const LineCounts*>> files;
  for (const LineCounts& line : report.lines) {
    all += line.cost();
    files[line.file][line.line] = &line;
  }
  PageJson json = PageJson::array();
  for (const auto& [path, lines] : files) {
    std::set<int> shown;
    for (const auto& [number, line] : lines) {
      shown.insert(number);
      for (int near = number - kLinesAround; near <= number + kLinesAround; ++near) {
        if (near >= 1 && near <= source.count(path)) shown.insert(near);
      }
    }
    PageJson rows = PageJson::array();
    for (const int number : shown) {
      PageJson row{{"number", number}, {"text", source.line(path, number)}, {"share", 0}};
      if (const auto found = lines.find(number); found != lines.end()) {
        row["share"] =
            static_cast<double>(found->second->cost()) / static_cast<double>(std::max<std::int64_t>(all, 1));
        for (const LineAccess& access : found->second->accesses)
          row["accesses"].push_back(access_json(report.first, access));
      }
      rows.push_back(row);
    }
    json.push_back({{"path", path_text(path)},
                    {"name", path.empty() ? "instruction" : file_name(path)},
                    {"lines", rows}});
  }
  return json;
}

PageJson trace_json(const LaunchProfile& launch, SourceText& source) {
  PageJson json = PageJson::array();
  for (const TraceStep& step : launch.trace) {
    if (json.size() == kMostTraceSteps) break;
    const CodeLine line = code_line(step.place);
    PageJson one{{"what", what_text(step)}, {"place", line.text}, {"lanes", step.lanes}};
    std::string text = source.line(line.file, line.line);
    text.erase(0, text.find_first_not_of(" \t"));
    one["text"] = text;
    for (unsigned lane = 0; lane < 32 && step.bytes > 0; ++lane) {
      const bool is_on = (step.lanes >> lane & 1u) != 0;
      one["labels"].push_back(is_on ? address_text(launch, step.addresses[lane]) : "");
      one["values"].push_back(is_on ? value_text(step.values[lane], step.bytes) : "");
    }
    json.push_back(one);
  }
  return json;
}

PageJson findings_json(const KernelReport& report) {
  PageJson json = PageJson::array();
  for (const Finding& finding : report.findings) {
    json.push_back({{"text", finding.text},
                    {"gain", gain_text(report, finding)},
                    {"file", path_text(finding.file)},
                    {"line", finding.line},
                    {"place", place_text(finding)}});
  }
  return json;
}

PageJson kernel_json(const KernelReport& report, SourceText& source) {
  PageJson bounds = PageJson::array(), left_out = PageJson::array(), counts = PageJson::array();
  for (const Bound& bound : report.prediction.bounds)
    bounds.push_back({{"name", bound.name}, {"us", bound.us}, {"why", bound.why}});
  for (const LeftOut& bound : report.prediction.left_out)
    left_out.push_back({{"name", bound.name}, {"why", bound.why}});
  for (const Metric& metric : report.metrics)
    counts.push_back(
        {{"label", metric.label}, {"ncu", metric.ncu}, {"value", metric.value}, {"good", metric.good}});
  PageJson hottest;
  if (!report.lines.empty())
    hottest = {{"file", path_text(report.lines[0].file)}, {"line", report.lines[0].line}};
  return {{"name", report.name},
          {"shape", shape_text(report.first)},
          {"launches", report.launches},
          {"bounds", bounds},
          {"left_out", left_out},
          {"largest", report.prediction.largest},
          {"largest_work", report.prediction.largest_work},
          {"occupancy", occupancy_text(report)},
          {"findings", findings_json(report)},
          {"metrics", counts},
          {"files", files_json(report, source)},
          {"hottest", hottest},
          {"trace", trace_json(report.first, source)},
          {"trace_is_cut", report.first.trace_is_cut || report.first.trace.size() > kMostTraceSteps}};
}

/// JSON that may stand in a <script>: '<', '>' and '&' occur in its texts alone, where an escape means the same.
std::string script_text(const PageJson& json) {
  std::string safe;
  for (const char c : json.dump(-1, ' ', false, PageJson::error_handler_t::replace)) {
    if (c == '<' || c == '>' || c == '&')
      safe += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      safe += c;
  }
  return safe;
}

}  // namespace

std::string html_report(const std::vector<LaunchProfile>& launches, const ReportOptions& options,
                        const std::string& title) {
  const Device& gpu = device(options.device);
  SourceText source;
  PageJson kernels = PageJson::array();
  for (const KernelReport& report : kernel_reports(launches, options))
    kernels.push_back(kernel_json(report, source));
  const std::string data =
      script_text({{"title", title}, {"device", gpu.name}, {"about", gpu.about}, {"kernels", kernels}});
  std::string page;
  std::string_view rest = kProfileHtml;
  const std::pair<std::string_view, std::string_view> parts[] = {
      {"/*tern:profile.css*/", kProfileCss},
      {"\"tern:data\"", data},
      {"/*tern:profile.js*/", kProfileJs},
      {"/*tern:pictures.js*/", kProfilePicturesJs}};
  for (const auto& [marker, text] : parts) {  // in the order in which the page has them
    const std::size_t at = rest.find(marker);
    if (at == std::string_view::npos) throw Error("profile.html", std::string(marker), "none");
    page.append(rest.substr(0, at)).append(text);
    rest.remove_prefix(at + marker.size());
  }
  return page.append(rest);
}

}  // namespace tern::emulator
