// Grad-CAM against PyTorch's autograd, and against CAM, which it is for a linear head on pooled features.
#include "models/grad_cam.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/core/check.h"
#include "engine/ops/global_average_pool.h"
#include "tests/support/formula.h"
#include "tests/support/goldens.h"
#include "tests/support/tensors.h"

using namespace tern;
using doctest::Contains;

namespace {

constexpr std::int64_t kChannels = 16, kClasses = 5;

/// What a last ReLU leaves: no number is negative.
Tensor formula_maps() {
  Tensor maps = test::formula_uniform(6, 0, {3, 4, 5, kChannels}, -1, 2);
  float* value = maps.data<float>();
  for (std::int64_t i = 0; i < maps.numel(); ++i) value[i] = std::max(value[i], 0.0f);
  return maps;
}

Model tiny_model(HeadKind kind, Device device = Device::cpu()) {
  Model model({"narrow_resnet10_4", {{"first", kind, 3}, {"second", kind, kClasses}}},
              Initialiser(4, device));
  model.set_training(false);
  return model;
}

}  // namespace

TEST_CASE("grad_cam: as by PyTorch, for every head") {
  const auto goldens = test::read_goldens("grad_cam.txt");
  for (const Device device : test::devices()) {
    for (const HeadKind kind : {HeadKind::linear, HeadKind::cosine, HeadKind::cosine_relu_linear}) {
      CAPTURE(name_of(kind));
      Initialiser zeros = Initialiser::zeros(device);
      const std::unique_ptr<Head> head = make_head(kind, kChannels, kClasses, zeros);
      test::fill_by_formula(*head, 9);
      const Tensor heat = grad_cam(
          formula_maps().to(device),
          [&](const Variable& maps) { return head->forward(global_average_pool(maps)); },
          std::vector<std::int32_t>{2, 0, 4});
      CHECK_CLOSE(heat, goldens.at(name_of(kind)).array("heat"), 1e-5);
    }
  }
}

TEST_CASE("grad_cam: CAM for a linear head, from the weights of the class") {
  Model model = tiny_model(HeadKind::linear);
  const Tensor images = test::formula_uniform(6, 1, {2, 96, 96, 3}, -2, 2);
  const Tensor maps = model.feature_maps(images);
  REQUIRE(maps.shape() == Shape{2, 3, 3, 128});
  CHECK_CLOSE(global_average_pool(Variable(maps)).data(), test::array(model.features(images)), 1e-6);
  const std::vector<float> weight = find(model.state_dict(), "second.weight")->to_vector<float>();
  const std::vector<float> of_maps = maps.to_vector<float>();
  const std::vector<std::int32_t> classes{4, 2};
  const std::vector<float> heat = grad_cam(model, images, 1, classes).to_vector<float>();
  REQUIRE(heat.size() == 2 * 9);
  int above = 0;
  for (std::size_t i = 0; i < heat.size(); ++i) {
    double sum = 0;
    for (std::size_t k = 0; k < 128; ++k) {
      sum += static_cast<double>(weight[static_cast<std::size_t>(classes[i / 9]) * 128 + k]) *
             of_maps[i * 128 + k];
    }
    CHECK(heat[i] == doctest::Approx(std::max(0.0, sum / 9)).epsilon(1e-4).scale(1e-3));
    above += heat[i] > 0;
  }
  CHECK(above > 0);
  CHECK(above < 18);
}

TEST_CASE("grad_cam: of every stage, against differences of the logit") {
  Model model = tiny_model(HeadKind::cosine);
  const Tensor images = test::formula_uniform(6, 1, {1, 64, 64, 3}, -2, 2);
  const float logit = model.inference(images)[1].to_vector<float>()[3];
  for (int stage = 1; stage <= kStages; ++stage) {
    CAPTURE(stage);
    const Tensor maps = model.feature_maps(images, stage);
    const std::int64_t extent = stage_extent(64, stage), channels = 8 << stage;
    REQUIRE(maps.shape() == Shape{1, extent, extent, channels});
    const std::vector<float> values = maps.to_vector<float>();
    const auto logit_of = [&](const std::vector<float>& of_maps) {
      const NoGrad no_grad;
      const Variable shifted(Tensor::from(maps.shape(), of_maps));
      return model.forward_from(stage, shifted, 1).data().to_vector<float>()[3];
    };
    CHECK(logit_of(values) == doctest::Approx(logit).epsilon(1e-3));  // the rest of the same network
    // alpha: what a channel does that rises at every place.
    std::vector<double> wanted(values.size() / static_cast<std::size_t>(channels), 0.0);
    for (std::size_t k = 0; k < static_cast<std::size_t>(channels); ++k) {
      const auto raised = [&](float by) {
        std::vector<float> moved = values;
        for (std::size_t place = 0; place < wanted.size(); ++place)
          moved[place * static_cast<std::size_t>(channels) + k] += by;
        return static_cast<double>(logit_of(moved));
      };
      const double alpha = (raised(5e-3f) - raised(-5e-3f)) / 1e-2 / static_cast<double>(wanted.size());
      for (std::size_t place = 0; place < wanted.size(); ++place)
        wanted[place] += alpha * values[place * static_cast<std::size_t>(channels) + k];
    }
    for (double& value : wanted) value = std::max(value, 0.0);
    const double largest = *std::max_element(wanted.begin(), wanted.end());
    CHECK(largest > 0);
    const std::vector<float> heat =
        grad_cam(model, images, 1, std::vector<std::int32_t>{3}, stage).to_vector<float>();
    REQUIRE(heat.size() == wanted.size());
    // Loose: a difference crosses kinks of the ReLUs behind the stage.
    for (std::size_t place = 0; place < heat.size(); ++place)
      CHECK(std::abs(heat[place] - wanted[place]) < 0.05 * largest);
  }
  for (const ParameterEntry& entry : model.parameters()) CHECK_FALSE(entry.value.grad().defined());
}

TEST_CASE("grad_cam: of the last stage that is not too coarse") {
  const std::pair<int, int> wanted[] = {{8, 1},  {16, 1}, {32, 2},  {48, 2},  {49, 3}, {64, 3},
                                        {96, 3}, {97, 4}, {128, 4}, {160, 4}, {224, 4}};
  for (const auto& [side, stage] : wanted) {
    CAPTURE(side);
    CHECK(heat_map_stage(side) == stage);
    CHECK((stage == 1 || stage_extent(side, stage) >= kLeastHeatExtent));
  }
}

TEST_CASE("grad_cam: an image's map does not depend on the others, and nothing is left behind") {
  Model model = tiny_model(HeadKind::cosine);
  const Tensor images = test::formula_uniform(6, 1, {2, 64, 64, 3}, -2, 2);
  const std::vector<float> pixels = images.to_vector<float>();
  const Tensor second =
      Tensor::from(Shape{1, 64, 64, 3}, std::vector<float>(pixels.begin() + 64 * 64 * 3, pixels.end()));
  const std::vector<float> both =
      grad_cam(model, images, 0, std::vector<std::int32_t>{0, 2}).to_vector<float>();
  const std::vector<float> one = grad_cam(model, second, 0, std::vector<std::int32_t>{2}).to_vector<float>();
  for (std::size_t i = 0; i < 4; ++i) CHECK(one[i] == doctest::Approx(both[4 + i]).epsilon(1e-4));
  const std::vector<float> again =
      grad_cam(model, images, 0, std::vector<std::int32_t>{0, 2}).to_vector<float>();
  CHECK(again == both);
}

TEST_CASE("grad_cam: no images, and classes that are none") {
  Model model = tiny_model(HeadKind::linear);
  const Tensor images = test::formula_uniform(6, 1, {1, 32, 32, 3}, -2, 2);
  CHECK_THROWS_WITH_AS(grad_cam(model, images, 0, std::vector<std::int32_t>{3}),
                       Contains("grad_cam: wanted classes in 0..2, got 3"), Error);
  CHECK_THROWS_WITH_AS(grad_cam(model, images, 0, std::vector<std::int32_t>{-1}), Contains("got -1"), Error);
  CHECK_THROWS_WITH_AS(grad_cam(model, images, 0, std::vector<std::int32_t>{0, 0}),
                       Contains("wanted a class for each of 1 images, got 2"), Error);
  const auto never = [](const Variable& maps) { return maps; };
  CHECK(grad_cam(Tensor::zeros({0, 2, 2, 8}, DType::f32), never, {}).shape() == Shape{0, 2, 2});
}
