// Measures the kernels: bench_kernels on this machine's GPU, count_kernels their accesses to memory on the emulator.
//   bench_kernels [softmax] [batch_norm]... [--full] [--small] [--seconds N] [--timing-seconds 0.04] [--json FILE]
// Without names: all. Prints Markdown; benchmarks/peers/kernels.py measures the same rows in PyTorch, and
// benchmarks/compare_kernels.py runs both. Fails if a row fails or differs from its reference.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>

#include "benchmarks/kernels/harness.h"
#include "engine/core/check.h"

namespace {

void write(const tern::bench::Bench& bench, const std::string& json) {
  if (json.empty()) return;
  std::ofstream file(json);
  file << bench.results().dump(1) << '\n';
  if (!file.flush()) throw tern::Error("bench_kernels", "a file to write to", json);
}

int measure(const std::vector<std::string>& names, const tern::bench::Bench::Options& options,
            const std::string& json) {
  const std::unique_ptr<tern::bench::Bench> made = make_bench(options);
  tern::bench::Bench& bench = *made;
  write(bench, json);  // nothing yet, but if it cannot be written this is the time to say so
  for (const auto& [name, run] : tern::bench::benchmarks()) {
    if (!names.empty() && std::find(names.begin(), names.end(), name) == names.end()) continue;
    bench.measure_rows(run);
    write(bench, json);  // now, so that a kernel that ends the program takes no other's rows along
  }
  std::fputs(bench.tables().c_str(), stdout);
  if (bench.bad_rows() == 0) return 0;
  std::fprintf(stderr, "%d rows failed or differ from their reference\n", bench.bad_rows());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names;
  tern::bench::Bench::Options options;
  std::string json;
  CLI::App app("The kernels, measured");
  app.add_option("kernels", names, "which; all if none is named")
      ->check(CLI::IsMember(tern::bench::benchmarks()));
  app.add_flag("--full", options.full, "every shape of the sweeps");
  app.add_flag("--small", options.small, "in their place the few small shapes that test_kernel_counts takes");
  app.add_option("--seconds", options.seconds, "after which no row is begun")->check(CLI::Range(0.001, 1e6));
  app.add_option("--timing-seconds", options.timing_seconds, "for each of a row's timings")
      ->check(CLI::Range(0.001, 60.0));
  app.add_option("--device", options.device, "of which count_kernels predicts times");
  app.add_option("--json", json, "where to write every number");
  CLI11_PARSE(app, argc, argv);
  try {
    return measure(names, options, json);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
