// The page itself: apps/report/page/report.html with style, script, Chart.js and data put where it names
// them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "engine/io/json.h"

namespace tern {

/// What CMake embeds (cmake/embed.cmake): the files of apps/report/page/ and Debian's chart.min.js, byte by
/// byte.
extern const std::string_view kReportHtml, kReportCss, kReportRatesJs, kReportChartsJs, kReportTablesJs,
    kReportHeatMapJs, kReportSectionsJs, kReportCompareJs, kReportJs, kChartJs;

/// The whole HTML text for runs as run_json (apps/report/run_json.h) describes them.
std::string report_page(Json runs);

/// JSON that may stand in a <script> element whatever its texts are: no '<', '>' or '&' is left in it.
/// Bytes that are no UTF-8 become U+FFFD, NaN and infinities null.
std::string script_json(const Json& json);

/// RFC 4648, with padding.
std::string base64(std::span<const std::byte> bytes);

}  // namespace tern
