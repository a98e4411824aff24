#include "apps/report/page.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "apps/common/version.h"
#include "engine/core/check.h"

namespace tern {
namespace {

/// `text` with each marker, which occurs once, replaced; what is put in is not searched.
std::string fill(std::string_view text,
                 const std::vector<std::pair<std::string_view, std::string_view>>& values) {
  std::string filled;
  for (const auto& [marker, value] : values) {  // in the order in which the page has them
    const std::size_t at = text.find(marker);
    if (at == std::string_view::npos) throw Error("report.html", std::string(marker), "none");
    filled.append(text.substr(0, at)).append(value);
    text.remove_prefix(at + marker.size());
  }
  return filled.append(text);
}

}  // namespace

std::string script_json(const Json& json) {
  std::string safe;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    // These three occur within texts alone, where an escape means the same.
    if (c == '<') {
      safe += "\\u003c";
    } else if (c == '>') {
      safe += "\\u003e";
    } else if (c == '&') {
      safe += "\\u0026";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string base64(std::span<const std::byte> bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < count ? static_cast<unsigned>(bytes[i + k]) : 0);
    }
    for (std::size_t k = 0; k < 4; ++k) text += k > count ? '=' : kDigits[group >> (18 - 6 * k) & 63];
  }
  return text;
}

std::string report_page(Json runs) {
  const std::string data = script_json({{"tern_version", kVersion}, {"runs", std::move(runs)}});
  return fill(kReportHtml, {{"/*tern:report.css*/", kReportCss},
                            {"\"tern:data\"", data},
                            {"/*tern:chart.js*/", kChartJs},
                            {"/*tern:rates.js*/", kReportRatesJs},
                            {"/*tern:charts.js*/", kReportChartsJs},
                            {"/*tern:tables.js*/", kReportTablesJs},
                            {"/*tern:heat_map.js*/", kReportHeatMapJs},
                            {"/*tern:sections.js*/", kReportSectionsJs},
                            {"/*tern:compare.js*/", kReportCompareJs},
                            {"/*tern:report.js*/", kReportJs}});
}

}  // namespace tern
