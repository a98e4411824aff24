# Text files in the program, so that it needs none where it runs. Included, this file gives tern_embed(); as a script
# (cmake -P) it writes the C++ source.
#
#   tern_embed(TARGET HEADER NAME FILE [NAME FILE]...)
#     A static library TARGET that defines `const std::string_view NAME`, the bytes of FILE, in namespace tern for each
#     pair; HEADER declares them.
if(CMAKE_SCRIPT_MODE_FILE)
  set(source "#include \"${HEADER}\"\n\nnamespace tern {\n\n")
  while(PAIRS)
    list(POP_FRONT PAIRS name file)
    file(READ "${file}" text)
    if(text MATCHES "\\)tern_file\"")
      message(FATAL_ERROR "${file}: wanted a text without )tern_file\", got one with it")
    endif()
    string(APPEND source "extern const std::string_view ${name} = R\"tern_file(${text})tern_file\";\n")
  endwhile()
  file(WRITE "${OUT}" "${source}\n}  // namespace tern\n")
  return()
endif()

function(tern_embed target header)
  set(out ${PROJECT_BINARY_DIR}/generated/${target}.cpp)
  set(script ${PROJECT_SOURCE_DIR}/cmake/embed.cmake)
  set(files ${ARGN})
  list(FILTER files INCLUDE REGEX "/")  # the names have none
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} "-DOUT=${out}" "-DHEADER=${header}" "-DPAIRS=${ARGN}" -P ${script}
    DEPENDS ${files} ${script}
    VERBATIM)
  # Compilers need not take more than 65,536 bytes, of which Clang warns; all do.
  set_source_files_properties(${out} PROPERTIES COMPILE_OPTIONS -Wno-overlength-strings)
  add_library(${target} STATIC ${out})
  target_link_libraries(${target} PRIVATE tern_options nlohmann_json::nlohmann_json)
endfunction()

# What all pages share, the page of tern report with the library that draws its charts, and that of tern predict.
find_file(TERN_CHART_JS chart.min.js PATHS /usr/share/javascript/chart.js NO_DEFAULT_PATH)
if(NOT TERN_CHART_JS)
  message(FATAL_ERROR "tern report: wanted Chart.js 3 (/usr/share/javascript/chart.js/chart.min.js, or "
                      "-DTERN_CHART_JS=FILE), found none: install the package libjs-chart.js")
endif()
set(parts ${PROJECT_SOURCE_DIR}/apps/page/parts)
tern_embed(tern_page_parts apps/page/html.h kPageHead ${parts}/head.html
  kBaseCss ${parts}/base.css kElementsJs ${parts}/elements.js)
set(page ${PROJECT_SOURCE_DIR}/apps/report/page)
tern_embed(tern_report_page apps/report/page.h
  kReportHtml ${page}/report.html kReportCss ${page}/report.css kReportWordsJs ${page}/words.js kReportRatesJs ${page}/rates.js
  kReportChartsJs ${page}/charts.js kReportTablesJs ${page}/tables.js
  kReportHeatMapJs ${page}/heat_map.js kReportSectionsJs ${page}/sections.js kReportCompareJs ${page}/compare.js
  kReportJs ${page}/report.js kChartJs ${TERN_CHART_JS})
set(page ${PROJECT_SOURCE_DIR}/apps/measure/page)
tern_embed(tern_predictions_page apps/measure/predictions_page.h
  kPredictionsHtml ${page}/predictions.html kPredictionsCss ${page}/predictions.css
  kPredictionsJs ${page}/predictions.js)
