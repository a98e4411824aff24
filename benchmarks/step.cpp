#include "benchmarks/step.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <vector>

#include "data/random_purpose.h"
#include "engine/autograd/tape.h"
#include "engine/core/random.h"
#include "engine/ops/cross_entropy.h"

namespace tern::bench {
namespace {

constexpr int kClasses = 88;

Precision precision_of(const std::string& name) {
  for (const Precision precision : {Precision::tf32, Precision::bf16}) {
    if (name == name_of(precision)) return precision;
  }
  return Precision::fp32;
}

Tensor random_images(const StepOptions& options) {
  RandomStream random(1, random_purpose::test);
  Tensor images = Tensor::empty({options.batch, options.size, options.size, 3});
  std::generate_n(images.data<float>(), images.numel(), [&] { return random.normal(); });
  return images;
}

Tensor random_labels(const StepOptions& options) {
  RandomStream random(2, random_purpose::test);
  Tensor labels = Tensor::empty({options.batch}, DType::i32);
  std::generate_n(labels.data<std::int32_t>(), labels.numel(),
                  [&] { return static_cast<std::int32_t>(random.below(kClasses)); });
  return labels;
}

}  // namespace

void add_step_options(CLI::App& app, StepOptions& options) {
  app.add_option("--arch", options.arch)->capture_default_str();
  app.add_option("--mode", options.mode)->check(CLI::IsMember({"train", "inference"}))->capture_default_str();
  app.add_option("--batch", options.batch, "images")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  app.add_option("--size", options.size, "pixels a side")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--precision", options.precision)
      ->check(CLI::IsMember({"fp32", "tf32", "bf16"}))
      ->capture_default_str();
}

Step::Step(const StepOptions& options, Device device)
    : backend_(backend_of(device)),
      model_({options.arch, {{"head", HeadKind::linear, kClasses}}}, Initialiser(1, device)) {
  model_.set_precision(precision_of(options.precision));
  batch_.images = random_images(options).to(device);
  batch_.targets.sub = random_labels(options).to(device);
  batch_.indices.resize(static_cast<std::size_t>(options.batch));
  if (options.mode == "inference") {
    model_.set_training(false);
    step_.emplace("step", device, options.batch, [this](const Batch& now) { return infer(now); });
    return;
  }
  if (precision_of(options.precision) == Precision::bf16 && options.bf16_copies) keep_bf16_weights(model_);
  optimizer_ =
      std::make_unique<Adam>(make_parameter_groups(model_.parameters(), 1e-4f, /*decay_exempt=*/false));
  std::vector<Variable> parameters;
  for (const ParameterEntry& parameter : model_.parameters()) parameters.push_back(parameter.value);
  step_.emplace(
      "step", device, options.batch, [this](const Batch& now) { return train(now); }, parameters);
}

StepOutputs Step::infer(const Batch& batch) {
  StepOutputs outputs;
  outputs.logits = model_.inference(batch.images);
  return outputs;
}

StepOutputs Step::train(const Batch& batch) {
  optimizer_->clear_gradients();
  const Variable loss = cross_entropy(model_.forward(Variable(batch.images))[0], batch.targets.sub);
  backward(loss);
  StepOutputs outputs;
  outputs.loss = loss.data();
  return outputs;
}

void Step::operator()() {
  const StepOutputs outputs = (*step_)(batch_);
  if (optimizer_ == nullptr) return backend_.synchronize();
  optimizer_->step({.learning_rate = 1e-4f});
  outputs.loss.item();  // waits for the device
}

}  // namespace tern::bench
