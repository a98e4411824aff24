// A run folder: config.toml, summary.json and metrics.csv as parts of an input, and all that commands ask of them.
// Link: tern_apps_train
// Parser: apps/run/run_folder.cpp:3Run4open,check_summary,is_session,summary_value,summary_text,3Run7weights,3Run7classes,3Run8held_out,3Run7trained,indices_of,_text
// Parser: apps/run/session.cpp engine/io/json.cpp:read_json,check_depth,position_text,whole_number
#include "apps/run/session.h"
#include "apps/train/epoch_metrics.h"
#include "tests/fuzz/run_files.h"

using namespace tern;

namespace {

void ask_summary(const Run& run) {
  for (const char* key : {"data", "cifar", "weights", "fingerprint"}) {
    fuzz::accepted([&] { run.summary_text("inputs", key); });
  }
  fuzz::accepted([&] { run.weights(); });
  fuzz::accepted([&] { run.held_out_subclasses(); });
  fuzz::accepted([&] {
    const ClassTable classes = run.classes();
    for (const Level level : kLevels) {
      fuzz::accepted([&] {
        fuzz::expect(std::cmp_equal(run.trained(level).size(), classes.count(level)),
                     "a flag for each class");
      });
    }
  });
  run.unfinished_text();
  run.decoder_text();
}

void go_on(Run run) {
  const Json session = session_of(run, Device::cpu());
  changes_since(run, session);
  changes_of_plan(run.summary);
  supply_first_session(run);
  add_session(run, session);
  changes_of_plan(run.summary);
}

}  // namespace

TERN_FUZZER(run_folder) {
  static const fuzz::RunFiles folder;
  const std::vector<std::string_view> parts = fuzz::parts_of(input, 3);
  folder.write("summary.json", parts[0]);
  folder.write("metrics.csv", parts[1]);
  folder.write("config.toml", parts[2].data() == nullptr ? fuzz::kRunSettings : parts[2]);
  fuzz::accepted([&] {
    const Run run = folder.open();
    ask_summary(run);
    fuzz::accepted([&] { MetricsFile(run.metrics_file()).keep_until("super", 2); });
    go_on(run);
  });
}
