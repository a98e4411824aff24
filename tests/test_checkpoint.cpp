#include "models/checkpoint.h"

#include <fstream>

#include "engine/autograd/tape.h"
#include "engine/io/file.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/cross_entropy.h"
#include "tests/support/files.h"
#include "tests/support/formula.h"
#include "tests/support/full_disk.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

const ModelSpec kTwoHeads{"narrow_resnet10_4",
                          {{"super_head", HeadKind::linear, 4}, {"sub_head", HeadKind::cosine, 7}}};

Model formula_model(std::uint64_t seed, const ModelSpec& spec = kTwoHeads, Device device = Device::cpu()) {
  Model model(spec, Initialiser::zeros(device));
  test::fill_by_formula(model, seed);
  return model;
}

bool same_state(const StateDict& a, const StateDict& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || !test::same_bytes(a[i].tensor, b[i].tensor)) return false;
  }
  return true;
}

StateDict snapshot(const Model& model) {
  StateDict state = model.state_dict();
  for (NamedTensor& entry : state) entry.tensor = entry.tensor.clone();
  return state;
}

std::unique_ptr<Optimizer> make_adam(const Model& model) {
  return std::make_unique<Adam>(make_parameter_groups(model.parameters(), 1e-4f, true));
}

void train(Model& model, Optimizer& optimizer, int begin, int end) {
  model.set_training(true);
  for (int step = begin; step < end; ++step) {
    const auto stream = static_cast<std::uint32_t>(step);
    const Device device = model.parameters().front().value.data().device();
    const Variable images(test::formula_uniform(1, stream, {2, 32, 32, 3}, -2, 2).to(device));
    const std::vector<std::int32_t> targets = test::classes(2, 4, stream);
    optimizer.clear_gradients();
    Variable loss(Tensor::zeros({1}, DType::f32, device));
    for (const Variable& logits : model.forward(images)) {
      loss = loss + cross_entropy(logits, test::integers(targets, device));
    }
    backward(loss);
    optimizer.step({.learning_rate = 1e-3f});
  }
}

}  // namespace

TEST_CASE("checkpoint: a model comes back to the bit, with its spec and metadata") {
  for (const Device device : test::devices()) {
    const test::TemporaryFolder folder;
    for (const HeadKind kind : {HeadKind::linear, HeadKind::cosine_relu_linear}) {
      const Model model = formula_model(3, {"narrow_resnet10_4", {{"head", kind, 5}}}, device);
      save_model(folder / "model.safetensors", model,
                 {{"classes", "[\"a\", \"\u00e9\"]"}, {"config", "x = 1\n"}});
      LoadedModel loaded = load_model(folder / "model.safetensors", device);
      CHECK(same_state(loaded.model.state_dict(), model.state_dict()));
      CHECK(loaded.metadata == Metadata{{"classes", "[\"a\", \"\u00e9\"]"}, {"config", "x = 1\n"}});
      CHECK(loaded.model.spec().architecture == "narrow_resnet10_4");
      REQUIRE(loaded.model.spec().heads.size() == 1);
      CHECK(loaded.model.spec().heads[0].name == "head");
      CHECK(loaded.model.spec().heads[0].kind == kind);
      CHECK(loaded.model.spec().heads[0].classes == 5);
      CHECK_FALSE(loaded.model.training());
    }
  }
}

TEST_CASE("checkpoint: a model's file has torchvision's names and layout, and nothing else") {
  const test::TemporaryFolder folder;
  const Model model = formula_model(3);
  save_model(folder / "model.safetensors", model);
  const WeightFile file = read_weight_file(folder / "model.safetensors");
  CHECK(file.tensors.size() == model.state_dict().size());
  CHECK(find(file.tensors, "backbone.conv1.weight")->shape() == Shape{16, 3, 7, 7});
  CHECK(find(file.tensors, "sub_head.scale")->shape() == Shape{});
  CHECK(find(file.tensors, "backbone.bn1.num_batches_tracked")->dtype() == DType::i64);
}

TEST_CASE("checkpoint: the same model gives the same bytes") {
  const test::TemporaryFolder folder;
  const Model model = formula_model(3);
  save_model(folder / "a", model, {{"k", "v"}});
  save_model(folder / "b", model, {{"k", "v"}});
  CHECK(read_file(folder / "a") == read_file(folder / "b"));
}

TEST_CASE("checkpoint: a run that was resumed ends as one that was not, to the bit") {
  for (const Device device : test::devices()) {
    const test::TemporaryFolder folder;
    Model whole = formula_model(3, kTwoHeads, device);
    const auto whole_adam = make_adam(whole);
    train(whole, *whole_adam, 0, 2);

    {
      Model half = formula_model(3, kTwoHeads, device);
      const auto adam = make_adam(half);
      train(half, *adam, 0, 1);
      TrainingSnapshot(half, *adam).save_state(folder / "last.safetensors", {1, 5, 42, {{"best", "0.5"}}});
    }
    Model resumed(kTwoHeads, Initialiser(99, device));
    const auto adam = make_adam(resumed);
    const TrainingProgress progress = load_training_state(folder / "last.safetensors", resumed, *adam);
    CHECK(progress.epoch == 1);
    CHECK(progress.step_in_epoch == 5);
    CHECK(progress.global_step == 42);
    CHECK(progress.extra == Metadata{{"best", "0.5"}});
    CHECK(adam->step_count() == 1);
    train(resumed, *adam, 1, 2);
    CHECK(same_state(resumed.state_dict(), whole.state_dict()));
  }
}

TEST_CASE("checkpoint: a moving average is saved as the model, and restored beside it") {
  const test::TemporaryFolder folder;
  Model model = formula_model(3), average = formula_model(5);
  const auto adam = make_adam(model);
  const TrainingSnapshot snapshot(model, *adam, &average);
  snapshot.save_model(folder / "model");
  CHECK(same_state(load_model(folder / "model").model.state_dict(), average.state_dict()));
  snapshot.save_state(folder / "state", {});
  Model other(kTwoHeads, Initialiser(9)), other_average(kTwoHeads, Initialiser(10));
  const auto other_adam = make_adam(other);
  load_training_state(folder / "state", other, *other_adam, &other_average);
  CHECK(same_state(other.state_dict(), model.state_dict()));
  CHECK(same_state(other_average.state_dict(), average.state_dict()));
  // A state with an average and one without do not take each other's place.
  CHECK(test::error_of([&] {
          load_training_state(folder / "state", other, *other_adam);
        }).find("extra: average.") != std::string::npos);
  TrainingSnapshot(model, *adam).save_state(folder / "without", {});
  CHECK(test::error_of([&] {
          load_training_state(folder / "without", other, *other_adam, &other_average);
        }).find("missing: average.") != std::string::npos);
}

TEST_CASE("checkpoint: what does not fit changes neither model nor optimiser") {
  const test::TemporaryFolder folder;
  Model model = formula_model(3);
  const auto adam = make_adam(model);
  TrainingSnapshot(model, *adam).save_state(folder / "state", {});

  Model other = formula_model(4, {"narrow_resnet10_4", {{"super_head", HeadKind::linear, 4}}});
  const auto other_adam = make_adam(other);
  other_adam->set_step_count(7);
  const StateDict before = snapshot(other);
  const std::string error =
      test::error_of([&] { load_training_state(folder / "state", other, *other_adam); });
  CHECK(error.find("extra: model.sub_head.weight") != std::string::npos);
  CHECK(same_state(other.state_dict(), before));
  CHECK(other_adam->step_count() == 7);

  Sgd sgd(make_parameter_groups(model.parameters(), 0, true));
  CHECK(test::error_of([&] {
          load_training_state(folder / "state", model, sgd);
        }).find("extra: optimizer.backbone.conv1.weight.first_moment") != std::string::npos);
}

TEST_CASE("checkpoint: a full disk leaves the file that was there") {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "model.safetensors";
  const Model model = formula_model(3);
  save_model(path, model);
  {
    const test::FullDisk disk(std::size_t{1} << 20);
    CHECK(test::error_of([&] { save_model(path, formula_model(4)); }).find(path.string()) == 0);
  }
  CHECK(folder.size() == 1);
  CHECK(same_state(load_model(path).model.state_dict(), model.state_dict()));
}

TEST_CASE("checkpoint: says what is wrong with a file") {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "model.safetensors";
  const Model model = formula_model(3, {"narrow_resnet10_4", {{"head", HeadKind::linear, 5}}});
  save_model(path, model);
  const Metadata good = read_weight_file(path).metadata;
  const auto error_with = [&](const std::string& key, const std::string& value, const StateDict& state) {
    Metadata metadata = good;
    metadata[key] = value;
    save_weights(path, state, metadata);
    const std::string error = test::error_of([&] { load_model(path); });
    CHECK(error.find(path.string()) == 0);
    return error;
  };
  // The description is looked at first, so these files need no tensors.
  CHECK(error_with("tern.content", "model 2", {})
            .find("wanted a file that tern wrote with content 'model 1', got 'model 2'") !=
        std::string::npos);
  CHECK(error_with("tern.architecture", "vgg", {}).find("'narrow_resnet10_4', got 'vgg'") !=
        std::string::npos);
  for (const char* heads : {"", "[", "[]", "{}", "[{\"name\": \"head\"}]", "[1]",
                            R"([{"name": "head", "kind": "mlp", "classes": 5}])",
                            R"([{"name": "head", "kind": "linear", "classes": "5"}])"}) {
    CAPTURE(heads);
    CHECK(error_with("tern.heads", heads, {}).find("the description of the model cannot be used") !=
          std::string::npos);
  }
  const StateDict state = model.state_dict();
  CHECK(error_with("tern.backbone_prefix", "", state).find("missing: conv1.weight") != std::string::npos);
  // A description that claims gigabytes is refused before they are allocated.
  CHECK(error_with("tern.heads", R"([{"name": "head", "kind": "linear", "classes": 1000000}])", state)
            .find("more than it holds") != std::string::npos);
  CHECK(error_with("tern.heads", R"([{"name": "head", "kind": "linear", "classes": 6}])", state)
            .find("head.weight (wanted [6, 128], got [5, 128])") != std::string::npos);

  save_weights(path, {{"fc.bias", Tensor::zeros({1})}});
  CHECK(test::error_of([&] { load_model(path); }).find("a file without that mark") != std::string::npos);
  CHECK_THROWS_AS(save_model(path, model, {{"tern.heads", "mine"}}), Error);
}

TEST_CASE("checkpoint: progress must be numbers") {
  const test::TemporaryFolder folder;
  Model model = formula_model(3, {"narrow_resnet10_4", {{"head", HeadKind::linear, 5}}});
  const auto adam = make_adam(model);
  TrainingSnapshot(model, *adam).save_state(folder / "state", {});
  const Metadata good = read_weight_file(folder / "state").metadata;
  for (const char* value : {"", "-1", "x", "1.5", "99999999999999999999"}) {
    Metadata metadata = good;
    metadata["tern.epoch"] = value;
    save_weights(folder / "state", {}, metadata);
    CHECK(test::error_of([&] {
            load_training_state(folder / "state", model, *adam);
          }).find("a number >= 0 as metadata 'tern.epoch'") != std::string::npos);
  }
}
