// One whole training or inference step of a ResNet on random data, on the CPU:
//   bench_step --arch resnet50 --mode train --batch 64 --size 64 --threads 2 --repeats 10
// Prints one line of JSON. benchmarks/peers/step.py does the same work in PyTorch; compare_step.py runs both.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/autograd/tape.h"
#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/ops/cross_entropy.h"
#include "engine/optim/optimizer.h"
#include "models/heads.h"

namespace {

struct Options {
  std::string arch = "resnet50", mode = "train";
  int batch = 64, size = 64, threads = 2, repeats = 10;
};

constexpr int kClasses = 88;

tern::Tensor random_images(const Options& options) {
  tern::RandomStream random(1, tern::RandomPurpose::test);
  tern::Tensor images = tern::Tensor::empty({options.batch, options.size, options.size, 3});
  std::generate_n(images.data<float>(), images.numel(), [&] { return random.normal(); });
  return images;
}

tern::Tensor random_labels(const Options& options) {
  tern::RandomStream random(2, tern::RandomPurpose::test);
  tern::Tensor labels = tern::Tensor::empty({options.batch}, tern::DType::i32);
  std::generate_n(labels.data<std::int32_t>(), labels.numel(),
                  [&] { return static_cast<std::int32_t>(random.below(kClasses)); });
  return labels;
}

template <typename Work>
std::vector<double> sorted_milliseconds(int repeats, Work&& work) {
  for (int warm_up = 0; warm_up < 2; ++warm_up) work();
  std::vector<double> times;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    times.push_back(taken.count());
  }
  std::sort(times.begin(), times.end());
  return times;
}

std::vector<double> measure(const Options& options) {
  tern::Model model({options.arch, {{"head", tern::HeadKind::linear, kClasses}}}, tern::Initialiser(1));
  const tern::Tensor images = random_images(options), labels = random_labels(options);
  if (options.mode == "inference") {
    model.set_training(false);
    return sorted_milliseconds(options.repeats, [&] { model.inference(images); });
  }
  tern::Adam optimizer(tern::make_parameter_groups(model.parameters(), 1e-4f, /*decay_exempt=*/false));
  return sorted_milliseconds(options.repeats, [&] {
    optimizer.clear_gradients();
    const tern::Variable loss = tern::cross_entropy(model.forward(tern::Variable(images))[0], labels);
    tern::backward(loss);
    optimizer.step({.learning_rate = 1e-4f});
    return loss.data().item();
  });
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("One training or inference step of a ResNet");
  app.add_option("--arch", options.arch);
  app.add_option("--mode", options.mode)->check(CLI::IsMember({"train", "inference"}));
  app.add_option("--batch", options.batch)->check(CLI::PositiveNumber);
  app.add_option("--size", options.size)->check(CLI::PositiveNumber);
  app.add_option("--threads", options.threads)->check(CLI::PositiveNumber);
  app.add_option("--repeats", options.repeats)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  tern::set_thread_count(options.threads);
  const std::vector<double> times = measure(options);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const nlohmann::ordered_json line = {{"side", "tern"},
                                       {"arch", options.arch},
                                       {"mode", options.mode},
                                       {"batch", options.batch},
                                       {"size", options.size},
                                       {"threads", options.threads},
                                       {"repeats", options.repeats},
                                       {"median_ms", times[times.size() / 2]},
                                       {"p20_ms", times[times.size() / 5]},
                                       {"p80_ms", times[times.size() * 4 / 5]},
                                       {"peak_mib", static_cast<double>(usage.ru_maxrss) / 1024}};
  std::puts(line.dump().c_str());
  return 0;
}
