#include "models/resnet.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "engine/autograd/tape.h"
#include "engine/backend/elementwise.h"
#include "engine/core/parallel.h"
#include "models/heads.h"
#include "tests/support/files.h"
#include "tests/support/formula.h"
#include "tests/support/goldens.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

/// "name extent extent ..." of every tensor, in file layout.
std::vector<std::string> state_lines(const Module& module) {
  std::vector<std::string> lines;
  for (const NamedTensor& entry : module.state_dict()) {
    std::string line = entry.name;
    const Tensor tensor = to_file_layout(entry.tensor);
    for (const std::int64_t extent : tensor.shape()) {
      line += " " + std::to_string(extent);
    }
    lines.push_back(line);
  }
  return lines;
}

/// torchvision's; of most networks the normalisations, which are all alike, are left out.
std::vector<std::string> torchvision_lines(const std::string& architecture) {
  std::ifstream stream(test::golden("resnet_state.txt"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with(architecture + " ")) lines.push_back(line.substr(architecture.size() + 1));
  }
  return lines;
}

ResNet formula_network(const std::string& architecture, Device device = Device::cpu()) {
  Initialiser zeros = Initialiser::zeros(device);
  ResNet network(resnet_architecture(architecture), zeros);
  test::fill_by_formula(network, 5);
  return network;
}

Tensor formula_images(std::int64_t count, std::int64_t side) {
  return test::formula_uniform(6, 0, {count, side, side, 3}, -2, 2);
}

reference::Array first_columns(const Tensor& x, std::int64_t columns) {
  reference::Array part({x.size(0), columns});
  const std::vector<float> values = x.to_vector<float>();
  for (std::int64_t r = 0; r < x.size(0); ++r) {
    for (std::int64_t c = 0; c < columns; ++c) {
      part[r * columns + c] = values[static_cast<std::size_t>(r * x.size(1) + c)];
    }
  }
  return part;
}

double difference(const reference::Array& a, const reference::Array& b) {
  double most = 0, size = 0;
  REQUIRE(a.size() == b.size());
  for (std::int64_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return most / size;
}

double norm(const Tensor& x) {
  double sum = 0;
  for (const float value : x.to_vector<float>()) sum += double{value} * value;
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("resnet: one image trains unless the last stage's maps are single values") {
  const NoGrad no_grad;
  ResNet network = make_resnet("resnet18", 1);
  for (const std::int64_t side : {8, 32, 33, 64, 65}) {
    CAPTURE(side);
    const std::string error = test::error_of([&] {
      network.forward(Variable(Tensor::zeros({1, side, side, 3})));
    });
    CHECK((error == "no error") == (stage_extent(side, kStages) > 1));
  }
  CHECK(stage_extent(224, 1) == 56);
  CHECK(stage_extent(224, 4) == 7);
}

TEST_CASE("resnet: names, order and shapes are torchvision's") {
  const auto goldens = test::read_goldens("resnet.txt");
  CHECK(goldens.size() == resnet_names().size());
  for (const std::string& architecture : resnet_names()) {
    CAPTURE(architecture);
    const test::GoldenCase& golden = goldens.at(architecture);
    const Model classifier(ModelSpec::imagenet(architecture), Initialiser::zeros());
    std::vector<std::string> lines = state_lines(classifier);
    CHECK(static_cast<std::int64_t>(lines.size()) == golden.array("tensors")[0]);
    CHECK(parameter_count(classifier) == golden.array("parameters")[0]);
    const std::vector<std::string> wanted = torchvision_lines(architecture);
    if (wanted.size() < lines.size()) {
      std::erase_if(lines, [](const std::string& line) { return std::ranges::count(line, ' ') < 2; });
    }
    CHECK(lines == wanted);
  }
}

namespace {

// Training amplifies rounding: each normalisation divides by the deviation of only 16 values in the last
// stage, and a ReLU that flips changes a gradient at once. PyTorch's own f32 is this far from its double,
// which made the goldens: ResNet-18 6e-6 in features, 1e-4 in norms, 6e-6 in the stem; ResNet-50 1.3e-4, 7e-3
// and 2.6e-2; ResNeXt-50 8e-5, 7e-3 and 1.7e-2. The emulated device's ResNet-18 is 8e-6 away in features, and one ReLU flips:
// 2e-3 in norms and 8e-3 in the stem.
struct Tolerances {
  double features, norms, stem;
};
constexpr Tolerances kTolerances18{1e-4, 1e-3, 1e-3}, kFlipped18{1e-4, 5e-3, 2e-2},
    kTolerances50{1e-3, 2e-2, 6e-2};

Tolerances tolerances_of(const std::string& architecture, Device device) {
  if (resnet_architecture(architecture).bottleneck) return kTolerances50;
  return device.is_cpu() ? kTolerances18 : kFlipped18;
}

/// In evaluation mode, as it is and folded.
void check_evaluation(ResNet& network, const Tensor& images) {
  const NoGrad no_grad;
  network.set_training(false);
  const auto goldens = test::read_goldens("resnet.txt");
  const Tensor evaluation = network.forward(Variable(images)).data();
  CHECK(evaluation.shape() == Shape{images.size(0), network.features()});
  const reference::Array& wanted = goldens.at(network.architecture().name).array("evaluation");
  CHECK(difference(first_columns(evaluation, 32), wanted) < 1e-5);
  CHECK_CLOSE(FoldedResNet(network).forward(images), test::array(evaluation), 1e-4);
}

void check_network(const std::string& architecture, Device device) {
  CAPTURE(architecture);
  CAPTURE(device.text());
  const auto goldens = test::read_goldens("resnet.txt");
  const test::GoldenCase& golden = goldens.at(architecture);
  const Tolerances tolerances = tolerances_of(architecture, device);
  ResNet network = formula_network(architecture, device);
  const Variable images(formula_images(4, 64).to(device));

  check_evaluation(network, images.data());
  network.set_training(true);
  const Variable features = network.forward(images);
  CHECK(difference(first_columns(features.data(), 32), golden.array("training")) < tolerances.features);
  backward(features, test::formula_uniform(7, 0, features.shape(), -1, 1).to(device));
  // Relative to each parameter: a missing or doubled path shows in all that lie before it.
  const reference::Array& norms = golden.array("gradient_norms");
  const std::vector<ParameterEntry> parameters = network.parameters();
  REQUIRE(static_cast<std::int64_t>(parameters.size()) == norms.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    CAPTURE(parameters[i].name);
    CHECK(norm(parameters[i].value.grad()) == doctest::Approx(norms.values[i]).epsilon(tolerances.norms));
  }
  const Tensor stem = parameters.front().value.grad().rows(0, 2);
  CHECK_CLOSE(stem, golden.array("stem_gradient"), tolerances.stem);
  const BatchNormState& last = network.blocks().back().path[1].norm.state();
  CHECK_CLOSE(last.running_mean.rows(0, 16), golden.array("running_mean"), tolerances.features);
  CHECK_CLOSE(last.running_variance.rows(0, 16), golden.array("running_var"), tolerances.features);
  network.count_batch();
  const StateDict state = network.state_dict();
  CHECK(find(state, "bn1.num_batches_tracked")->to_vector<std::int64_t>().front() == 1);
}

}  // namespace

TEST_CASE("resnet: values and gradients are torchvision's") {
  for (const Device device : test::devices()) {
    for (const char* const architecture : {"resnet18", "resnet50", "resnext50_32x4d", "narrow_resnet10_4"}) {
      check_network(architecture, device);
    }
  }
}

TEST_CASE("resnet: values of deeper and wider networks are torchvision's") {
  for (const char* const architecture : {"resnet34", "resnet101", "resnet152", "wide_resnet50_2"}) {
    CAPTURE(architecture);
    ResNet network = formula_network(architecture);
    check_evaluation(network, formula_images(2, 48));
  }
}

TEST_CASE("resnet: the folded network is a snapshot") {
  ResNet network = formula_network("resnet18");
  network.set_training(false);
  const Tensor images = test::formula_uniform(1, 0, {1, 32, 33, 3}, -1, 1);
  const FoldedResNet folded(network);
  const Tensor before = folded.forward(images);
  for (ParameterEntry& entry : network.parameters()) {
    Tensor value = entry.value.data();
    value.assign(Tensor::full(value.shape(), 0.5f));
  }
  CHECK(test::same_bytes(folded.forward(images), before));
}

TEST_CASE("resnet: the folded network, updated, is a new snapshot") {
  const Tensor images = test::formula_uniform(1, 0, {1, 32, 33, 3}, -1, 1);
  for (const Device device : test::devices()) {
    ResNet network = formula_network("resnet18", device);
    network.set_training(false);
    FoldedResNet folded(network);
    const Tensor there = images.to(device), before = folded.forward(there);
    for (ParameterEntry& entry : network.parameters()) {
      affine(entry.value.data(), 1.5f, 0, entry.value.data());
    }
    folded.update(network);
    const Tensor after = folded.forward(there);
    CHECK_FALSE(test::same_bytes(after, before));
    CHECK(test::same_bytes(after, FoldedResNet(network).forward(there)));
  }
}

TEST_CASE(
    "resnet: a batch that is divided among threads gives what its parts give, on any number of threads") {
  ResNet network = formula_network("resnet18");
  network.set_training(false);
  const FoldedResNet folded(network);
  const Tensor images = test::formula_uniform(1, 0, {72, 64, 64, 3}, -1, 1);  // 32, 32 and 8
  const int threads_before = thread_count();
  set_thread_count(1);
  const Tensor features = folded.forward(images), maps = folded.maps(images, 2);
  for (const int threads : {2, 3}) {
    set_thread_count(threads);
    CHECK(test::same_bytes(folded.forward(images), features));
    CHECK(test::same_bytes(folded.maps(images, 2), maps));
  }
  set_thread_count(1);
  for (const auto& [first, last] : {std::pair{0, 32}, {32, 64}, {64, 72}})
    CHECK(test::same_bytes(folded.forward(images.rows(first, last)), features.rows(first, last)));
  set_thread_count(threads_before);
}

TEST_CASE("resnet: a seed gives the same network") {
  const ResNet a = make_resnet("resnet18", 1), b = make_resnet("resnet18", 1);
  const StateDict left = a.state_dict(), right = b.state_dict();
  for (std::size_t i = 0; i < left.size(); ++i) CHECK(test::same_bytes(left[i].tensor, right[i].tensor));
}

TEST_CASE("resnet: says what is wrong") {
  CHECK(test::error_of([] { make_resnet("resnet36", 1); }) ==
        "architecture: wanted one of 'resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152', "
        "'wide_resnet50_2', 'resnext50_32x4d', 'narrow_resnet10_4', got 'resnet36'");
  ResNet network = formula_network("resnet18");
  network.set_training(false);
  for (const Shape& shape : {Shape{2, 64, 64}, Shape{1, 64, 64, 4}, Shape{1, 0, 64, 3}}) {
    CAPTURE(shape.text());
    CHECK_THROWS_AS(network.forward(Variable(Tensor::zeros(shape))), Error);
    CHECK_THROWS_AS(FoldedResNet(network).forward(Tensor::zeros(shape)), Error);
  }
  CHECK_THROWS_AS(FoldedResNet(network).forward(Tensor::zeros({1, 32, 32, 3}, DType::u8)), Error);
}

TEST_CASE("resnet: NaN made anywhere arrives in the same features, folded or not") {
  for (const char* architecture : {"resnet18", "resnet50", "resnext50_32x4d"}) {
    ResNet network = formula_network(architecture);
    network.set_training(false);
    const Tensor images = test::formula_uniform(6, 0, {1, 64, 64, 3}, -2, 2);
    const std::string last = std::string(architecture) == "resnet18" ? "layer4.1.bn2" : "layer4.2.bn3";
    for (const std::string& norm :
         {std::string("bn1"), std::string("layer1.0.bn1"), std::string("layer2.0.bn2"),
          std::string("layer3.0.downsample.1"), std::string("layer4.0.bn1"), last}) {
      CAPTURE(architecture);
      CAPTURE(norm);
      const StateDict state = network.state_dict();
      Tensor variance = *find(state, norm + ".running_var");  // the same elements
      const float before = variance.data<float>()[0];
      variance.data<float>()[0] = -0.5f;
      const NoGrad no_grad;
      const std::vector<float> plain = network.forward(Variable(images)).data().to_vector<float>();
      const std::vector<float> folded = FoldedResNet(network).forward(images).to_vector<float>();
      variance.data<float>()[0] = before;
      std::size_t apart = 0, spoilt = 0;
      for (std::size_t i = 0; i < plain.size(); ++i) {
        apart += std::isnan(plain[i]) != std::isnan(folded[i]) ? 1 : 0;
        spoilt += std::isnan(folded[i]) ? 1 : 0;
      }
      CHECK(apart == 0);
      CHECK(spoilt == (norm == last ? 1 : plain.size()));
    }
  }
}
