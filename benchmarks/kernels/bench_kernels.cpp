// Measures the kernels: bench_kernels on this machine's GPU, count_kernels their accesses to memory on the emulator.
//   bench_kernels [softmax] [batch_norm]... [--full] [--small] [--side-by-side] [--seconds N] [--timing-seconds 0.04]
//                 [--precision 0.5] [--json FILE] [--list]
// Without names: all. Prints Markdown; benchmarks/peers/kernels.py measures the same rows in PyTorch,
// benchmarks/compare_kernels.py runs both, benchmarks/compare_results.py compares two --json files. Fails if a row fails or
// differs from its reference.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "benchmarks/kernels/harness.h"
#include "engine/core/check.h"

namespace {

void write(const tern::bench::Bench& bench, const std::string& json) {
  if (json.empty()) return;
  std::ofstream file(json);
  file << bench.results().dump(1) << '\n';
  if (!file.flush()) throw tern::Error("bench_kernels", "a file to write to", json);
}

using tern::bench::Registered;

/// What is asked for; with --side-by-side other sides before tern, which then knows whose rows to measure.
std::vector<Registered> chosen(const std::vector<std::string>& families, bool side_by_side) {
  std::vector<Registered> all;
  for (const Registered& one : tern::bench::benchmarks()) {
    if (families.empty() || std::find(families.begin(), families.end(), one.family) != families.end())
      all.push_back(one);
  }
  if (side_by_side) {
    std::stable_partition(all.begin(), all.end(),
                          [](const Registered& one) { return one.side != tern::bench::kOurs; });
  }
  return all;
}

/// What is linked in, for compare_kernels.py: a line for each, family and side with a tab between.
void list() {
  for (const Registered& one : tern::bench::benchmarks())
    std::printf("%s\t%s\n", one.family.c_str(), one.side.c_str());
}

/// Sides are told apart by their names.
void check_names() {
  const std::vector<Registered> all = tern::bench::benchmarks();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string what = "the benchmark of " + all[i].family + " by " + all[i].side;
    if (i > 0 && all[i].family == all[i - 1].family && all[i].side == all[i - 1].side)
      throw tern::Error(what, "one registration", "two");
    for (const char* const peer : {"eager", "compile", "fused", "torchvision"}) {
      if (all[i].side == peer) throw tern::Error(what, "a name that is none of PyTorch's sides", all[i].side);
    }
  }
}

int measure(const std::vector<std::string>& families, const tern::bench::Bench::Options& options,
            const std::string& json) {
  const std::unique_ptr<tern::bench::Bench> made = make_bench(options);
  tern::bench::Bench& bench = *made;
  write(bench, json);  // nothing yet, but if it cannot be written this is the time to say so
  for (const Registered& one : chosen(families, options.side_by_side)) {
    bench.measure_side(one);
    write(bench, json);  // now, so that a kernel that ends the program takes no other's rows along
  }
  std::fputs(bench.tables().c_str(), stdout);
  if (bench.bad_rows() == 0) return 0;
  std::fprintf(stderr, "%d rows failed or differ from their reference\n", bench.bad_rows());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> families;
  tern::bench::Bench::Options options;
  std::string json;
  bool is_list = false;
  std::set<std::string> known;
  for (const Registered& one : tern::bench::benchmarks()) known.insert(one.family);
  CLI::App app("The kernels, measured");
  app.add_option("kernels", families, "which; all if none is named")->check(CLI::IsMember(known));
  app.add_flag("--full", options.full, "every shape of the sweeps");
  app.add_flag("--small", options.small, "in their place the few small shapes that test_kernel_counts takes");
  app.add_flag("--side-by-side", options.side_by_side,
               "of tern's rows only those that a kernel from outside has, too");
  app.add_option("--seconds", options.seconds, "after which no row is begun")->check(CLI::Range(0.001, 1e6));
  app.add_option("--timing-seconds", options.timing_seconds, "for each of a row's timings, at most")
      ->check(CLI::Range(0.001, 60.0));
  app.add_option("--precision", options.precision_percent,
                 "percent of a median, half of its interval's width, at which its timing ends before that")
      ->check(CLI::Range(0.0, 100.0));
  app.add_option("--device", options.device, "of which count_kernels predicts times");
  app.add_option("--json", json, "where to write every number");
  app.add_flag("--list", is_list, "what could be measured, a line for each family and side");
  CLI11_PARSE(app, argc, argv);
  try {
    check_names();
    if (is_list) return list(), 0;
    return measure(families, options, json);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
