#include "apps/report/report.h"

#include <fmt/format.h>

#include <set>

#include "apps/common/console.h"
#include "apps/measure/predictor.h"
#include "apps/page/html.h"
#include "apps/report/explanations.h"
#include "apps/report/page.h"
#include "apps/report/run_json.h"
#include "apps/run/study_data.h"
#include "engine/core/check.h"
#include "engine/io/file.h"

namespace tern {
namespace {

std::filesystem::path data_folder(const Run& run, const ReportOptions& options) {
  if (!options.folders.data.empty()) return options.folders.data;
  return run.summary_text("inputs", "data");
}

/// Throws Error where the output would replace what the run was made from.
void check_inputs(const Run& run, const ReportOptions& options) {
  check_not_data("--out", options.out, data_folder(run, options));
  check_not_input("--out", options.out, "the weights", run.summary_text("inputs", "weights"));
}

/// All of them at once: a run that cannot be read is told before the first is scored.
std::vector<Run> open_runs(const ReportOptions& options) {
  std::vector<Run> runs;
  for (const std::filesystem::path& folder : options.runs) {
    for (const Run& earlier : runs) {
      if (same_file(folder, earlier.folder())) throw Error(folder.string(), "each run once", "it twice");
    }
    runs.push_back(Run::open(folder));
    const Run& run = runs.back();
    run.classes();  // throws for a run that has not begun
    run.check_not_own("--out", options.out);
    check_inputs(run, options);
    epochs_json(run);  // is metrics.csv whole?
  }
  return runs;
}

/// The last `parts` names of a path.
std::string tail_of(std::filesystem::path path, int parts) {
  std::filesystem::path tail = path.filename();
  for (int part = 1; part < parts && path.has_relative_path(); ++part) {
    path = path.parent_path();
    tail = path.filename() / tail;
  }
  return tail.string();
}

/// What tells the runs apart: the folders' names, with as many of their parents' as that takes.
std::vector<std::string> names_of(const std::vector<Run>& runs) {
  for (int parts = 1;; ++parts) {
    std::vector<std::string> names;
    for (const Run& run : runs) names.push_back(tail_of(std::filesystem::canonical(run.folder()), parts));
    if (std::set<std::string>(names.begin(), names.end()).size() == names.size()) return names;
  }
}

Json scored_run(const std::string& name, const Run& run, const ReportOptions& options, Device device) {
  Predictor predictor({run}, options.decision, "", device);
  const EnsembleData data = load_ensemble_data(predictor.runs, options.folders);
  ScoredParts scored = score_parts(predictor.models, data, predictor.needs_features(), WithTraining::no);
  if (predictor.confidence) predictor.confidence->add_to(predictor.runs, scored);
  Json json = run_json(name, predictor.runs.front(), *data.front(), predictor.models.levels(), scored,
                       predictor.decision, predictor.choices());
  add_explanations(json, predictor, *data.front(), data_folder(run, options), options.nearest);
  return json;
}

}  // namespace

int report(const ReportOptions& options) {
  check_writable("--out", options.out);
  const std::vector<Run> runs = open_runs(options);
  check_page_place("--out", options.out);
  const Device device = prepare_runtime(options.runtime);
  Json described = Json::array();
  const std::vector<std::string> names = names_of(runs);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    remark("{}\n", runs[i].folder().string());
    described.push_back(scored_run(names[i], runs[i], options, device));
  }
  const std::string page = report_page(std::move(described));
  write_file(options.out, page);
  remark("{}: {} {}, {:.2f} MB\n", options.out.string(), runs.size(), runs.size() == 1 ? "run" : "runs",
         static_cast<double>(page.size()) / 1e6);
  return 0;
}

}  // namespace tern
