// One whole training or inference step of a ResNet on random data that is on the device already:
//   bench_step --arch resnet50 --mode train --batch 64 --size 64 --threads 2 --repeats 10
//   bench_step --device cuda --precision bf16 ...      the step is recorded and replayed; fails where it cannot be
// Prints one line of JSON. benchmarks/peers/step.py does the same work in PyTorch; compare_step.py runs both.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/common/recorded_step.h"
#include "apps/common/runtime.h"
#include "data/random_purpose.h"
#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "engine/core/subnormals.h"
#include "engine/ops/cross_entropy.h"
#include "engine/optim/optimizer.h"
#include "models/heads.h"

namespace {

struct Options {
  std::string arch = "resnet50", mode = "train", device = "cpu", precision = "fp32";
  int batch = 64, size = 64, threads = 2, repeats = 10;
  int steps = 0;  ///< if not 0: so many, and no more, for a profiler
};

constexpr int kClasses = 88;
constexpr int kWarmUps = 4;  // as usual, recorded, and replayed
// On a GPU, whose clocks rise under load and whose steps may take a millisecond, at least so long:
constexpr double kWarmUpSeconds = 0.5, kMeasuredSeconds = 1;

tern::Precision precision_of(const std::string& name) {
  for (const tern::Precision precision : {tern::Precision::tf32, tern::Precision::bf16}) {
    if (name == tern::name_of(precision)) return precision;
  }
  return tern::Precision::fp32;
}

tern::Tensor random_images(const Options& options) {
  tern::RandomStream random(1, tern::random_purpose::test);
  tern::Tensor images = tern::Tensor::empty({options.batch, options.size, options.size, 3});
  std::generate_n(images.data<float>(), images.numel(), [&] { return random.normal(); });
  return images;
}

tern::Tensor random_labels(const Options& options) {
  tern::RandomStream random(2, tern::random_purpose::test);
  tern::Tensor labels = tern::Tensor::empty({options.batch}, tern::DType::i32);
  std::generate_n(labels.data<std::int32_t>(), labels.numel(),
                  [&] { return static_cast<std::int32_t>(random.below(kClasses)); });
  return labels;
}

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

/// Times of a GPU's steps that were not replayed would be those of something else.
std::vector<double> of_recorded(std::vector<double> times, const tern::RecordedStep& step,
                                tern::Device device) {
  tern::check(device.is_cpu() || step.is_recorded(), "bench_step", "a step that is recorded",
              "one call by call");
  return times;
}

template <typename Work>
std::vector<double> sorted_milliseconds(const Options& options, Work&& work) {
  const bool on_gpu = options.device == "cuda";
  if (options.steps > 0) {
    std::vector<double> times = milliseconds(options.steps, 0, work);
    std::sort(times.begin(), times.end());
    return times;
  }
  milliseconds(kWarmUps, 0, work);
  milliseconds(0, on_gpu ? kWarmUpSeconds : 0, work);
  std::vector<double> times = milliseconds(options.repeats, on_gpu ? kMeasuredSeconds : 0, work);
  std::sort(times.begin(), times.end());
  return times;
}

std::vector<double> measure(const Options& options, tern::Device device) {
  tern::Model model({options.arch, {{"head", tern::HeadKind::linear, kClasses}}},
                    tern::Initialiser(1, device));
  model.set_precision(precision_of(options.precision));
  tern::Batch batch;
  batch.images = random_images(options).to(device);
  batch.targets.sub = random_labels(options).to(device);
  batch.indices.resize(static_cast<std::size_t>(options.batch));
  tern::Backend& backend = tern::backend_of(device);
  if (options.mode == "inference") {
    model.set_training(false);
    tern::RecordedStep step("step", device, options.batch, [&](const tern::Batch& now) {
      tern::StepOutputs outputs;
      outputs.logits = model.inference(now.images);
      return outputs;
    });
    const auto times = sorted_milliseconds(options, [&] {
      step(batch);
      backend.synchronize();
    });
    return of_recorded(times, step, device);
  }
  if (precision_of(options.precision) == tern::Precision::bf16) tern::keep_bf16_weights(model);
  tern::Adam optimizer(tern::make_parameter_groups(model.parameters(), 1e-4f, /*decay_exempt=*/false));
  std::vector<tern::Variable> parameters;
  for (const tern::ParameterEntry& parameter : model.parameters()) parameters.push_back(parameter.value);
  tern::RecordedStep step(
      "step", device, options.batch,
      [&](const tern::Batch& now) {
        optimizer.clear_gradients();
        const tern::Variable loss =
            tern::cross_entropy(model.forward(tern::Variable(now.images))[0], now.targets.sub);
        tern::backward(loss);
        tern::StepOutputs outputs;
        outputs.loss = loss.data();
        return outputs;
      },
      parameters);
  const auto times = sorted_milliseconds(options, [&] {
    const tern::StepOutputs outputs = step(batch);
    optimizer.step({.learning_rate = 1e-4f});
    return outputs.loss.item();  // waits for the device
  });
  return of_recorded(times, step, device);
}

}  // namespace

int main(int argc, char** argv) {
  tern::flush_subnormals();
  Options options;
  CLI::App app("One training or inference step of a ResNet");
  app.add_option("--arch", options.arch);
  app.add_option("--mode", options.mode)->check(CLI::IsMember({"train", "inference"}));
  app.add_option("--batch", options.batch)->check(CLI::Range(1, 1 << 20));
  app.add_option("--size", options.size)->check(CLI::Range(1, 1 << 20));
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 1 << 20));
  app.add_option("--repeats", options.repeats, "at least, where a GPU does more in a second")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--steps", options.steps, "no warm-up and exactly so many, for a profiler or a sanitizer")
      ->check(CLI::Range(3, 1 << 20));  // as usual, recorded, and replayed
  app.add_option("--device", options.device)->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--precision", options.precision)->check(CLI::IsMember({"fp32", "tf32", "bf16"}));
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
