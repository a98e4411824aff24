#include "models/grad_cam.h"

#include <algorithm>
#include <vector>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/cast.h"

namespace tern {
namespace {

/// 1 at each row's class, 0 elsewhere: the gradient whose backward is that of the classes' logits alone, as no image's logits
/// depend on another image.
Tensor one_hot(std::span<const std::int32_t> classes, std::int64_t columns) {
  std::vector<float> values(classes.size() * static_cast<std::size_t>(columns), 0.0f);
  for (std::size_t n = 0; n < classes.size(); ++n) {
    if (classes[n] < 0 || classes[n] >= columns)
      throw Error("grad_cam", "classes in 0.." + std::to_string(columns - 1), std::to_string(classes[n]));
    values[n * static_cast<std::size_t>(columns) + static_cast<std::size_t>(classes[n])] = 1;
  }
  return Tensor::from(Shape{static_cast<std::int64_t>(classes.size()), columns}, values);
}

/// maps, gradient: [places, channels] of one image -> heat [places].
void heat_of(std::span<const float> maps, std::span<const float> gradient, std::span<float> heat) {
  const std::size_t channels = maps.size() / heat.size();
  std::vector<double> alpha(channels, 0.0);
  for (std::size_t i = 0; i < gradient.size(); ++i)
    alpha[i % channels] += gradient[i] / static_cast<double>(heat.size());
  for (std::size_t place = 0; place < heat.size(); ++place) {
    double sum = 0;
    for (std::size_t k = 0; k < channels; ++k) sum += alpha[k] * maps[place * channels + k];
    heat[place] = static_cast<float>(std::max(0.0, sum));
  }
}

}  // namespace

Tensor grad_cam(const Tensor& maps, const std::function<Variable(const Variable&)>& logits_of,
                std::span<const std::int32_t> classes) {
  check_rank("grad_cam", maps, 4, "[N, height, width, channels]");
  if (static_cast<std::int64_t>(classes.size()) != maps.size(0)) {
    throw Error("grad_cam", "a class for each of " + std::to_string(maps.size(0)) + " images",
                std::to_string(classes.size()));
  }
  const Shape shape{maps.size(0), maps.size(1), maps.size(2)};
  if (classes.empty()) return Tensor::zeros(shape, DType::f32);
  const Variable leaf(cast(Variable(maps), DType::f32).data(), /*requires_grad=*/true);
  const Variable logits = logits_of(leaf);
  backward(logits, one_hot(classes, logits.data().size(1)).to(maps.device()));
  const std::vector<float> values = leaf.data().to_vector<float>(), gradient = leaf.grad().to_vector<float>();
  std::vector<float> heat(static_cast<std::size_t>(shape.numel()));
  const std::size_t places = heat.size() / classes.size(), numbers = values.size() / classes.size();
  for (std::size_t n = 0; n < classes.size(); ++n) {
    heat_of(std::span(values).subspan(n * numbers, numbers),
            std::span(gradient).subspan(n * numbers, numbers), std::span(heat).subspan(n * places, places));
  }
  return Tensor::from(shape, heat);
}

int heat_map_stage(std::int64_t side) {
  int stage = kStages;
  while (stage > 1 && stage_extent(side, stage) < kLeastHeatExtent) --stage;
  return stage;
}

Tensor grad_cam(Model& model, const Tensor& images, std::size_t head, std::span<const std::int32_t> classes,
                int stage) {
  const auto logits_of = [&](const Variable& maps) { return model.forward_from(stage, maps, head); };
  Tensor heat = grad_cam(model.feature_maps(images, stage), logits_of, classes);
  for (ParameterEntry& entry : model.parameters()) entry.value.clear_grad();
  return heat;
}

}  // namespace tern
