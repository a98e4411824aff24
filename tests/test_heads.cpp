#include "models/heads.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "engine/autograd/tape.h"
#include "engine/backend/elementwise.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/cross_entropy.h"
#include "tests/support/files.h"
#include "tests/support/formula.h"
#include "tests/support/goldens.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

ModelSpec spec_of(const std::string& name) {
  if (name == "two_heads") {
    return {"resnet18", {{"super_head", HeadKind::linear, 4}, {"sub_head", HeadKind::linear, 7}}};
  }
  return {"resnet18", {{"head", parse_head_kind(name), 5}}};
}

Model formula_model(const std::string& name, Device device = Device::cpu()) {
  Model model(spec_of(name), Initialiser::zeros(device));
  test::fill_by_formula(model, 9);
  return model;
}

Tensor formula_images() {
  return test::formula_uniform(6, 0, {2, 32, 32, 3}, -2, 2);
}

Tensor state_of(const Model& model, const std::string& name) {
  const StateDict state = model.state_dict();
  const Tensor* found = find(state, name);
  REQUIRE(found != nullptr);
  return found->clone();
}

/// Goes back from a loss of every head, so that every parameter gets a gradient.
void backward_all(const std::vector<Variable>& logits) {
  const Device device = logits.front().data().device();
  Variable loss(Tensor::zeros({1}, DType::f32, device));
  for (const Variable& one : logits) loss = loss + cross_entropy(one, test::integers({0, 1}, device));
  backward(loss);
}

constexpr const char* kModels[] = {"two_heads", "linear", "cosine", "cosine_relu_linear"};

}  // namespace

TEST_CASE("heads: names, shapes and logits are those of the reference notebook") {
  const auto goldens = test::read_goldens("heads.txt");
  std::vector<std::string> lines;
  for (const std::string name : kModels) {
    CAPTURE(name);
    Model model = formula_model(name);
    for (const NamedTensor& entry : model.state_dict()) {
      if (entry.name.starts_with("backbone.")) continue;
      std::string line = name + " " + entry.name;
      for (const std::int64_t extent : entry.tensor.shape()) line += " " + std::to_string(extent);
      lines.push_back(line);
    }
    model.set_training(false);
    const std::vector<Variable> forward = model.forward(Variable(formula_images()));
    const std::vector<Tensor> inference = model.inference(formula_images());
    REQUIRE(forward.size() == model.spec().heads.size());
    REQUIRE(inference.size() == forward.size());
    for (std::size_t i = 0; i < forward.size(); ++i) {
      const reference::Array& wanted = goldens.at(name).array("logits" + std::to_string(i));
      CHECK_CLOSE(forward[i].data(), wanted, 2e-5);
      CHECK_CLOSE(inference[i], wanted, 1e-4);
    }
  }
  std::ifstream stream(test::golden("heads_state.txt"));
  std::vector<std::string> wanted;
  for (std::string line; std::getline(stream, line);) wanted.push_back(line);
  CHECK(lines == wanted);
}

TEST_CASE("heads: every device has the reference's logits, and a gradient for every parameter") {
  const auto goldens = test::read_goldens("heads.txt");
  for (const Device device : test::devices()) {
    for (const std::string name : {"two_heads", "cosine_relu_linear"}) {
      CAPTURE(name);
      Model model = formula_model(name, device);
      model.set_training(false);
      const Variable images(formula_images().to(device));
      const std::vector<Tensor> inference = model.inference(images.data());
      const std::vector<Variable> logits = model.forward(images);
      for (std::size_t i = 0; i < logits.size(); ++i) {
        const reference::Array& wanted = goldens.at(name).array("logits" + std::to_string(i));
        CHECK_CLOSE(logits[i].data(), wanted, 2e-5);
        CHECK_CLOSE(inference[i], wanted, 1e-4);
      }
      backward_all(logits);
      for (const ParameterEntry& entry : model.parameters()) {
        CAPTURE(entry.name);
        REQUIRE(entry.value.grad().defined());
        CHECK(entry.value.grad().device() == device);
      }
    }
  }
}

TEST_CASE("heads: initial scale 30, xavier uniform weights, and no decay for what should not") {
  const Model model(spec_of("cosine"), Initialiser(1));
  const std::vector<ParameterEntry> parameters = model.head_parameters();
  REQUIRE(parameters.size() == 2);
  CHECK(parameters[0].kind == ParameterKind::weight);
  CHECK(parameters[1].kind == ParameterKind::scale);
  CHECK(parameters[1].value.data().item() == 30);
  float most = 0;
  for (const float value : parameters[0].value.data().to_vector<float>())
    most = std::max(most, std::abs(value));
  const float bound = std::sqrt(6.0f / (512 + 5));
  CHECK(most <= bound);
  CHECK(most > 0.98f * bound);
}

TEST_CASE("heads: every parameter of every model gets a gradient") {
  for (const std::string name : kModels) {
    Model model = formula_model(name);
    backward_all(model.forward(Variable(formula_images())));
    for (const ParameterEntry& entry : model.parameters()) {
      CAPTURE(name);
      CAPTURE(entry.name);
      CHECK(entry.value.grad().defined());
    }
  }
}

TEST_CASE("heads: frozen with batch norm in evaluation, the backbone stays to the bit") {
  Model model = formula_model("two_heads");
  const std::string mean = "backbone.bn1.running_mean";
  const Tensor before = state_of(model, mean);
  model.freeze(/*batch_norm_in_evaluation=*/true);
  CHECK(model.frozen());
  model.set_training(true);
  const std::vector<Variable> logits = model.forward(Variable(formula_images()));
  CHECK(test::same_bytes(state_of(model, mean), before));
  backward_all(logits);
  for (const ParameterEntry& entry : model.backbone_parameters()) CHECK_FALSE(entry.value.grad().defined());
  for (const ParameterEntry& entry : model.head_parameters()) CHECK(entry.value.grad().defined());
  // The same features as in evaluation.
  model.set_training(false);
  const std::vector<Tensor> evaluated = model.inference(formula_images());
  CHECK_CLOSE(logits[0].data(), test::array(evaluated[0]), 1e-6);
}

TEST_CASE("heads: frozen as the reference does it, running statistics drift") {
  Model model = formula_model("two_heads");
  model.freeze(/*batch_norm_in_evaluation=*/false);
  const std::string mean = "backbone.bn1.running_mean";
  const Tensor before = state_of(model, mean);
  model.set_training(true);
  backward_all(model.forward(Variable(formula_images())));
  CHECK_FALSE(test::same_bytes(state_of(model, mean), before));
  for (const ParameterEntry& entry : model.backbone_parameters()) CHECK_FALSE(entry.value.grad().defined());
  // In evaluation they stay.
  model.set_training(false);
  const Tensor drifted = state_of(model, mean);
  model.forward(Variable(formula_images()));
  CHECK(test::same_bytes(state_of(model, mean), drifted));
}

TEST_CASE("heads: inference follows weights that changed in training mode") {
  for (const Device device : test::devices()) {
    Model model(spec_of("linear"), Initialiser(6, device));
    const Tensor images = formula_images().to(device);
    model.set_training(false);
    const Tensor before = model.features(images);
    model.set_training(true);
    CHECK(test::error_of([&] { model.inference(images); }) ==
          "model: wanted evaluation mode for inference, got training mode");
    const auto change = [&] {
      for (ParameterEntry& entry : model.parameters()) {
        affine(entry.value.data(), 1.5f, 0, entry.value.data());
      }
    };
    change();
    model.set_training(false);
    const Tensor after = model.features(images);
    CHECK(after.shape() == Shape{2, 512});
    CHECK_FALSE(test::same_bytes(after, before));
    CHECK(test::same_bytes(model.head_logits(after)[0], model.inference(images)[0]));
    model.set_training(true);
    change();
    model.freeze(/*batch_norm_in_evaluation=*/true);
    CHECK_FALSE(test::same_bytes(model.forward(Variable(images))[0].data(), model.head_logits(after)[0]));
    model.set_training(false);
    CHECK_FALSE(test::same_bytes(model.features(images), after));
  }
}

TEST_CASE("heads: loads a backbone from a classifier's file") {
  const test::TemporaryFolder folder;
  const Model classifier(ModelSpec::imagenet("resnet18", 3), Initialiser(4));
  save_weights(folder / "weights.safetensors", classifier.state_dict());
  Model model(spec_of("two_heads"), Initialiser(5));
  model.load_backbone(folder / "weights.safetensors");
  CHECK(test::same_bytes(state_of(model, "backbone.conv1.weight"), state_of(classifier, "conv1.weight")));
  Model other({"resnet50", {{"head", HeadKind::linear, 2}}}, Initialiser::zeros());
  const std::string error = test::error_of([&] { other.load_backbone(folder / "weights.safetensors"); });
  CHECK(error.find("weights.safetensors: tensors do not fit the model: ") != std::string::npos);
  CHECK(error.find("missing: layer1.0.conv3.weight") != std::string::npos);
  CHECK(error.size() < folder.path().string().size() + 350);
}

TEST_CASE("heads: loads a backbone by other names, and says so") {
  const test::TemporaryFolder folder;
  const Model classifier(ModelSpec::imagenet("resnet18", 3), Initialiser(4));
  save_weights(folder / "plain.safetensors", classifier.state_dict());
  StateDict wrapped = classifier.state_dict("module.");
  wrapped.push_back({"n_averaged", Tensor::zeros({})});
  save_weights(folder / "wrapped.safetensors", wrapped);
  Model model(spec_of("two_heads"), Initialiser(5));
  CHECK(model.load_backbone(folder / "plain.safetensors").empty());
  CHECK(model.load_backbone(folder / "wrapped.safetensors") == "names without \"module.\", no n_averaged");
  CHECK(test::same_bytes(state_of(model, "backbone.conv1.weight"), state_of(classifier, "conv1.weight")));
  Model other({"resnet50", {{"head", HeadKind::linear, 2}}}, Initialiser::zeros());
  CHECK(test::error_of([&] {
          other.load_backbone(folder / "wrapped.safetensors");
        }).find("wrapped.safetensors (names without \"module.\", no n_averaged): tensors do not fit") !=
        std::string::npos);
  CHECK(test::error_of([&] {
          model.load_backbone({folder / "plain.safetensors", "model"});
        }).find("where --key names a state dict") != std::string::npos);
}

TEST_CASE("heads: loads the backbone of a model with other heads") {
  const test::TemporaryFolder folder;
  const Model trained(spec_of("two_heads"), Initialiser(4));
  save_weights(folder / "best.safetensors", trained.state_dict());
  Model model({"resnet18", {{"head", HeadKind::cosine, 5}}}, Initialiser(5));
  const Tensor head = state_of(model, "head.weight").clone();
  model.load_backbone(folder / "best.safetensors");
  CHECK(
      test::same_bytes(state_of(model, "backbone.conv1.weight"), state_of(trained, "backbone.conv1.weight")));
  CHECK(test::same_bytes(state_of(model, "head.weight"), head));
}

TEST_CASE("heads: says what is wrong") {
  const auto error_with = [](auto&& change) {
    ModelSpec spec = spec_of("two_heads");
    change(spec);
    return test::error_of([&] { Model model(spec, Initialiser::zeros()); });
  };
  CHECK(error_with([](ModelSpec& spec) { spec.architecture = "vgg"; }).ends_with(", got 'vgg'"));
  CHECK(error_with([](ModelSpec& spec) { spec.heads.clear(); }) ==
        "model: wanted at least one head, got none");
  CHECK(error_with([](ModelSpec& spec) { spec.heads[1].name = "super_head"; }) ==
        "model: wanted each head once, got 'super_head' twice");
  CHECK(error_with([](ModelSpec& spec) { spec.heads[0].name.clear(); }).find("an empty one") !=
        std::string::npos);
  for (const std::int64_t classes : {std::int64_t{0}, std::int64_t{-3}, std::int64_t{1} << 40}) {
    CHECK(error_with([&](ModelSpec& spec) { spec.heads[0].classes = classes; }).find("classes for head") !=
          std::string::npos);
  }
  CHECK(test::error_of([] { parse_head_kind("mlp"); }) ==
        "head: wanted 'linear', 'cosine' or 'cosine_relu_linear', got 'mlp'");
  CHECK(test::error_of([] { formula_model("linear").head_index("other"); }) ==
        "model: wanted a head named 'other', got none");
  CHECK(formula_model("two_heads").head_index("sub_head") == 1);
}
