// One whole training or inference step of a ResNet on random data that is on the device already:
//   bench_step --arch resnet50 --mode train --batch 64 --size 64 --threads 2 --repeats 10
//   bench_step --device cuda --precision bf16 ...      the step is recorded and replayed; fails where it cannot be
//   bench_step --account --precision bf16 ...          what it asks of a GPU, counted without one (docs/step_account.md)
// Prints one line of JSON. benchmarks/peers/step.py does the same work in PyTorch; compare_step.py runs both.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "apps/common/runtime.h"
#include "benchmarks/step.h"
#include "engine/core/check.h"
#include "engine/core/subnormals.h"

namespace {

struct Options : tern::bench::StepOptions {
  std::string device = "cpu";
  int threads = 2, repeats = 10;
  int steps = 0;  ///< if not 0: so many, and no more, for a profiler
};

// On a GPU, whose clocks rise under load and whose steps may take a millisecond, at least so long:
constexpr double kWarmUpSeconds = 0.5, kMeasuredSeconds = 1;

/// Of the process on a CPU, of tern's allocator on a GPU.
double peak_mib(const Options& options) {
  if (options.device == "cpu") return tern::peak_memory_mib();
  const auto held = tern::allocator_statistics(tern::Device::cuda()).peak_bytes_held;
  return static_cast<double>(held) / (1 << 20);
}

/// Milliseconds of each work(), done `fewest` times, and again until all took `seconds`.
template <typename Work>
std::vector<double> milliseconds(int fewest, double seconds, Work&& work) {
  std::vector<double> times;
  double sum = 0;
  while (static_cast<int>(times.size()) < fewest || sum < 1000 * seconds) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    times.push_back(taken.count());
    sum += taken.count();
  }
  return times;
}

std::vector<double> measure(const Options& options, tern::Device device) {
  const bool on_gpu = options.device == "cuda";
  tern::bench::Step step(options, device);
  if (options.steps == 0) {
    milliseconds(tern::bench::kWarmUps, 0, step);
    milliseconds(0, on_gpu ? kWarmUpSeconds : 0, step);
  }
  std::vector<double> times = options.steps > 0
                                  ? milliseconds(options.steps, 0, step)
                                  : milliseconds(options.repeats, on_gpu ? kMeasuredSeconds : 0, step);
  // Times of a GPU's steps that were not replayed would be those of something else.
  tern::check(device.is_cpu() || step.is_recorded(), "bench_step", "a step that is recorded",
              "one call by call");
  std::sort(times.begin(), times.end());
  return times;
}

/// Goes on as account_step, which is beside this program and links another device, with the other arguments.
int count(int argc, char** argv) {
  const auto program = std::filesystem::read_symlink("/proc/self/exe").replace_filename("account_step");
  std::string name = program.string();
  std::vector<char*> arguments{name.data()};
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) != "--account") arguments.push_back(argv[i]);
  }
  arguments.push_back(nullptr);
  execv(name.c_str(), arguments.data());
  std::fprintf(stderr, "bench_step --account: wanted %s, which does not start\n", name.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--account") return count(argc, argv);
  }
  tern::flush_subnormals();
  Options options;
  CLI::App app("One training or inference step of a ResNet");
  tern::bench::add_step_options(app, options);
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 1 << 20));
  app.add_option("--repeats", options.repeats, "at least, where a GPU does more in a second")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--steps", options.steps, "no warm-up and exactly so many, for a profiler or a sanitizer")
      ->check(CLI::Range(3, 1 << 20));  // as usual, recorded, and replayed
  app.add_option("--device", options.device)->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_flag("--account")
      ->description("count launches and bytes on a GPU, without one; see --account --help");
  CLI11_PARSE(app, argc, argv);
  std::vector<double> times;
  std::string backend;
  try {
    const tern::Device device = tern::prepare_runtime({options.device, options.threads});
    backend = tern::backend_of(device).description();
    times = measure(options, device);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_step: %s\n", error.what());
    return 1;
  }
  const nlohmann::ordered_json line = {{"side", "tern"},
                                       {"arch", options.arch},
                                       {"mode", options.mode},
                                       {"batch", options.batch},
                                       {"size", options.size},
                                       {"threads", options.threads},
                                       {"device", options.device},
                                       {"precision", options.precision},
                                       {"backend", backend},
                                       {"repeats", times.size()},
                                       {"median_ms", times[times.size() / 2]},
                                       {"p20_ms", times[times.size() / 5]},
                                       {"p80_ms", times[times.size() * 4 / 5]},
                                       {"peak_mib", peak_mib(options)}};
  std::puts(line.dump().c_str());
  return 0;
}
