// The page itself: apps/report/page/report.html with style, script, Chart.js and data put where it names them; what all
// pages share is in apps/page/.
#pragma once

#include <string>
#include <string_view>

#include "engine/io/json.h"

namespace tern {

/// What CMake embeds (cmake/embed.cmake): the files of apps/report/page/ and Debian's chart.min.js, byte by
/// byte.
extern const std::string_view kReportHtml, kReportCss, kReportWordsJs, kReportRatesJs, kReportChartsJs,
    kReportTablesJs, kReportHeatMapJs, kReportSectionsJs, kReportCompareJs, kReportJs, kChartJs;

/// The whole HTML text for runs as run_json (apps/report/run_json.h) describes them.
std::string report_page(Json runs);

}  // namespace tern
