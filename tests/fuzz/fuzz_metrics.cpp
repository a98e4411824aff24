// metrics.csv of a run: as a training goes on with it, and as reports show it.
// Link: tern_apps_report
// Dictionary: csv
// Parser: apps/train/epoch_metrics.cpp apps/report/run_json.cpp:epochs_json
#include "apps/train/epoch_metrics.h"

#include "apps/report/run_json.h"
#include "tests/fuzz/run_files.h"

using namespace tern;

TERN_FUZZER(metrics) {
  static const fuzz::RunFiles folder;
  static const Run run = folder.open();
  folder.write("metrics.csv", input);
  fuzz::accepted([&] { epochs_json(run); });
  fuzz::accepted([&] {
    MetricsFile file(run.metrics_file());
    file.keep_until("super", 2);
    file.append(EpochMetrics());
    fuzz::expect(fuzz::accepted([&] { MetricsFile again(run.metrics_file()); }),
                 "metrics that can be read again");
  });
}
