#include "apps/report/page.h"

#include <utility>

#include "apps/common/version.h"
#include "apps/page/html.h"

namespace tern {

std::string report_page(Json runs) {
  const std::string data = script_json({{"tern_version", kVersion}, {"runs", std::move(runs)}});
  return page_head() + fill_page("report.html", kReportHtml,
                                 {{"/*tern:report.css*/", kReportCss},
                                  {"\"tern:data\"", data},
                                  {"/*tern:chart.js*/", kChartJs},
                                  {"/*tern:words.js*/", kReportWordsJs},
                                  {"/*tern:rates.js*/", kReportRatesJs},
                                  {"/*tern:charts.js*/", kReportChartsJs},
                                  {"/*tern:elements.js*/", kElementsJs},
                                  {"/*tern:tables.js*/", kReportTablesJs},
                                  {"/*tern:heat_map.js*/", kReportHeatMapJs},
                                  {"/*tern:sections.js*/", kReportSectionsJs},
                                  {"/*tern:compare.js*/", kReportCompareJs},
                                  {"/*tern:report.js*/", kReportJs}});
}

}  // namespace tern
