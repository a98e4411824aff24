// The loader alone: how fast a study's images are decoded, and how fast its batches come, with nobody
// training.
//   bench_loader --data DIR [--batch 64] [--epochs 3]
// Prints images/s for decoding and for each transform, with and without a worker thread.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <exception>
#include <filesystem>
#include <numeric>
#include <vector>

#include "data/loader.h"
#include "data/study.h"

namespace {

template <typename Work>
double seconds_of(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void report(const char* what, int threads, std::int64_t images, double seconds) {
  fmt::print("| {} | {} | {:.0f} |\n", what, threads, static_cast<double>(images) / seconds);
}

void measure_loader(const char* what, const tern::Dataset& dataset, const tern::Transform& transform,
                    int threads, std::int64_t batch, int epochs) {
  std::vector<std::int64_t> all(static_cast<std::size_t>(dataset.count()));
  std::iota(all.begin(), all.end(), 0);
  tern::LoaderOptions options;
  options.batch_size = batch;
  options.shuffle = true;
  options.transform = transform;
  options.threads = threads;
  tern::Loader loader(dataset, all, options);
  tern::Batch held;
  const double seconds = seconds_of([&] {
    for (int epoch = 0; epoch < epochs; ++epoch) {
      loader.start_epoch(epoch);
      while (loader.next(held)) {
      }
    }
  });
  report(what, threads, dataset.count() * epochs, seconds);
}

void measure(const std::filesystem::path& data, std::int64_t batch, int epochs) {
  fmt::print("| work | threads | images/s |\n|---|---|---|\n");
  tern::Dataset dataset;
  for (const int threads : {1, 2}) {
    const double seconds = seconds_of([&] { dataset = tern::load_study(data, 64, threads); });
    report("read, decode and check", threads, dataset.count(), seconds);
  }
  tern::TrainTransform plain, softened;
  plain.remove_blur_cue = false;
  softened.remove_blur_cue = true;
  for (const int threads : {0, 1}) {
    measure_loader("flip, rotate, normalise", dataset, plain, threads, batch, epochs);
    measure_loader("the same, removing the blur cue", dataset, softened, threads, batch, epochs);
    measure_loader("normalise", dataset, tern::EvaluationTransform{}, threads, batch, epochs);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  std::filesystem::path data;
  std::int64_t batch = 64;
  int epochs = 3;
  CLI::App app("The loader alone");
  app.add_option("--data", data, "a folder in the study's layout")->required();
  app.add_option("--batch", batch)->check(CLI::Range(1, 1 << 20));
  app.add_option("--epochs", epochs)->check(CLI::Range(1, 1 << 20));
  CLI11_PARSE(app, argc, argv);
  measure(data, batch, epochs);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_loader: {}\n", error.what());
  return 1;
}
