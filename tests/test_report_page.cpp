// The page of tern report: what is embedded, and that no text in the data can leave its place.
#include "apps/report/page.h"

#include <doctest/doctest.h>

#include "apps/page/html.h"
#include "tests/support/files.h"

using namespace tern;

namespace {

std::string source_of(const char* name) {
  return read_text_file(std::filesystem::path(TERN_SOURCE_DIR) / "apps" / name);
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// What the page's script reads.
Json data_of(const std::string& page) {
  const std::string start = R"(<script type="application/json" id="data">)";
  const std::size_t from = page.find(start) + start.size();
  return Json::parse(page.substr(from, page.find("</script>", from) - from));
}

}  // namespace

TEST_CASE("report_page: what is embedded is the files, byte by byte, and none ends its element early") {
  CHECK(kReportHtml == source_of("report/page/report.html"));
  CHECK(kBaseCss == source_of("page/parts/base.css"));
  CHECK(kReportCss == source_of("report/page/report.css"));
  const std::pair<std::string_view, const char*> scripts[] = {
      {kReportWordsJs, "report/page/words.js"},      {kReportRatesJs, "report/page/rates.js"},
      {kReportChartsJs, "report/page/charts.js"},    {kReportTablesJs, "report/page/tables.js"},
      {kReportHeatMapJs, "report/page/heat_map.js"}, {kReportSectionsJs, "report/page/sections.js"},
      {kReportCompareJs, "report/page/compare.js"},  {kReportJs, "report/page/report.js"},
      {kElementsJs, "page/parts/elements.js"}};
  for (const auto& [text, name] : scripts) {
    CHECK(text == source_of(name));
    CHECK(count(std::string(text), "</script") + count(std::string(text), "<!--") == 0);
  }
  CHECK(count(std::string(kChartJs), "</script") + count(std::string(kChartJs), "<!--") == 0);
  CHECK(count(std::string(kReportCss), "</style") + count(std::string(kBaseCss), "</style") == 0);
  CHECK(kChartJs.starts_with("/*!\n * Chart.js v3."));
  CHECK(kChartJs.substr(0, 200).find("Released under the MIT License") != std::string_view::npos);
}

TEST_CASE("report_page: texts of the data stay texts") {
  const std::string evil[] = {"</script><script>alert(1)</script>",
                              "<!-- <script>",
                              "<img src=x onerror=alert(1)>",
                              "/*tern:chart.js*/",
                              "\"tern:data\"",
                              "a\\u003c\"b\" & 'c'",
                              "\u2028line"};
  Json runs = Json::array();
  for (const std::string& name : evil) runs.push_back({{"name", name}});
  const std::string page = report_page(runs);
  CHECK(data_of(page).at("runs") == runs);
  CHECK(count(page, "alert(1)") == 2);  // within the JSON
  CHECK(count(page, "<script>alert") == 0);
  CHECK(count(page, "<img src=x") == 0);
  CHECK(count(page, "</script>") == count(std::string(kReportHtml), "</script>"));
  CHECK(count(page, "* Chart.js v3.") == 1);  // a marker in the data is not replaced
  CHECK(count(page, "tern:report.js") + count(page, "tern:rates.js") + count(page, "tern:report.css") == 0);
  CHECK(page.find("Content-Security-Policy\" content=\"default-src 'none'") != std::string::npos);
}

TEST_CASE("report_page: nothing points out of the file") {
  std::string page = report_page(Json::array());
  page.erase(page.find(kChartJs), kChartJs.size());  // names its home in its notice
  for (const char* part :
       {"http:", "https:", "//cdn", "url(", "@import", "src=\"", "fetch(", "XMLHttpRequest", "eval("}) {
    CAPTURE(part);
    CHECK(count(page, part) == 0);
  }
}
