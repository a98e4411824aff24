#include "models/module.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "models/layers.h"
#include "tests/support/files.h"
#include "tests/support/formula.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

/// One of each kind: a convolution, a normalisation, a linear layer, a scale.
class Toy : public Module {
 public:
  explicit Toy(Initialiser initialiser = Initialiser(1))
      : conv_(2, 3, Window{3, 1, 1}, true, initialiser),
        norm_(3, initialiser),
        linear_(3, 4, initialiser),
        scale_(initialiser.constant({1}, 30)) {}

  void visit(const std::string& prefix, StateVisitor& visitor) const override {
    conv_.visit(prefix + "conv.", visitor);
    norm_.visit(prefix + "norm.", visitor);
    linear_.visit(prefix + "linear.", visitor);
    visitor.parameter(prefix + "scale", scale_, ParameterKind::scale);
  }

 private:
  Conv2d conv_;
  BatchNorm2d norm_;
  Linear linear_;
  Variable scale_;
};

StateDict copies(const StateDict& state) {
  StateDict copy;
  for (const NamedTensor& entry : state) copy.push_back({entry.name, entry.tensor.clone()});
  return copy;
}

StateDict without(StateDict state, const std::string& name) {
  std::erase_if(state, [&](const NamedTensor& entry) { return entry.name == name; });
  return state;
}

StateDict with(StateDict state, const std::string& name, const Tensor& tensor) {
  if (Tensor* found = find(state, name)) {
    *found = tensor;
  } else {
    state.push_back({name, tensor});
  }
  return state;
}

std::string load_error(const StateDict& state) {
  const Toy toy;
  const StateDict before = copies(toy.state_dict());
  const std::string error = test::error_of([&] { load_state_dict(toy, state, "file.pth"); });
  const StateDict after = toy.state_dict();
  if (error == "no error") return error;
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(test::same_bytes(before[i].tensor, after[i].tensor));
  return error;
}

}  // namespace

TEST_CASE("module: one description gives parameters and the state dict in order") {
  const Toy toy;
  std::vector<std::string> names;
  for (const NamedTensor& entry : toy.state_dict("toy.")) names.push_back(entry.name);
  CHECK(names == std::vector<std::string>{"toy.conv.weight", "toy.conv.bias", "toy.norm.weight",
                                          "toy.norm.bias", "toy.norm.running_mean", "toy.norm.running_var",
                                          "toy.norm.num_batches_tracked", "toy.linear.weight",
                                          "toy.linear.bias", "toy.scale"});
  const std::vector<ParameterEntry> parameters = toy.parameters();
  std::vector<std::string> kinds;
  for (const ParameterEntry& entry : parameters) kinds.push_back(entry.name + " " + name_of(entry.kind));
  CHECK(kinds == std::vector<std::string>{"conv.weight weight", "conv.bias bias", "norm.weight norm",
                                          "norm.bias norm", "linear.weight weight", "linear.bias bias",
                                          "scale scale"});
  CHECK(parameter_count(toy) == 3 * 2 * 9 + 3 + 3 + 3 + 4 * 3 + 4 + 1);
  for (const ParameterEntry& entry : parameters) CHECK(entry.value.requires_grad());
  toy.set_requires_grad(false);
  for (const ParameterEntry& entry : toy.parameters()) CHECK_FALSE(entry.value.requires_grad());
}

TEST_CASE("module: the state dict shares the module's elements; a scale is a scalar in it") {
  const Toy toy;
  StateDict state = toy.state_dict();
  CHECK(find(state, "scale")->rank() == 0);
  CHECK(find(state, "norm.num_batches_tracked")->rank() == 0);
  CHECK(find(state, "norm.num_batches_tracked")->dtype() == DType::i64);
  find(state, "scale")->assign(Tensor::full({}, 7));
  CHECK(toy.parameters().back().value.data().item() == 7);
}

TEST_CASE("module: loads what another one gave") {
  for (const Device device : test::devices()) {
    const Toy from(Initialiser(1, device)), to(Initialiser(2, device));
    test::fill_by_formula(from, 3);
    const StateDict state = from.state_dict();
    load_state_dict(to, state, "state");
    const StateDict loaded = to.state_dict();
    for (std::size_t i = 0; i < state.size(); ++i) {
      CAPTURE(state[i].name);
      CHECK(test::same_bytes(loaded[i].tensor, state[i].tensor));
      CHECK_FALSE(loaded[i].tensor.shares_storage(state[i].tensor));
    }
  }
}

TEST_CASE("module: tolerates old files, scales of one element, and prefixes that it is told of") {
  const Toy from, to;
  test::fill_by_formula(from, 3);
  const StateDict state = copies(from.state_dict());
  CHECK(load_error(without(state, "norm.num_batches_tracked")) == "no error");
  CHECK(load_error(with(state, "scale", Tensor::full({1}, 3))) == "no error");
  const StateDict extra =
      with(with(state, "fc.weight", Tensor::full({2}, 1)), "fc.bias", Tensor::full({2}, 1));
  load_state_dict(to, extra, "file", {.ignored_prefixes = {"fc."}, .prefix = ""});
  load_state_dict(to, from.state_dict("model."), "file", {.ignored_prefixes = {}, .prefix = "model."});
  CHECK(test::same_bytes(to.state_dict()[0].tensor, state[0].tensor));
}

TEST_CASE("module: a counter of batches may be of any type, as in a state dict that was cast as a whole") {
  const StateDict state = copies(Toy().state_dict());
  const auto counter_of = [&](const Tensor& stored) {
    const Toy toy;
    load_state_dict(toy, with(state, "norm.num_batches_tracked", stored), "file");
    return find(toy.state_dict(), "norm.num_batches_tracked")->to_vector<std::int64_t>().at(0);
  };
  const auto raw = [](DType dtype, std::uint64_t bits) {
    Tensor tensor = Tensor::empty({}, dtype);
    std::memcpy(tensor.raw(), &bits, size_of(dtype));
    return tensor;
  };
  CHECK(counter_of(Tensor::from(Shape{}, std::vector<float>{25})) == 25);
  CHECK(counter_of(Tensor::from(Shape{1}, std::vector<float>{25})) == 25);  // of PyTorch 0.3
  CHECK(counter_of(Tensor::from(Shape{}, std::vector<std::int32_t>{-7})) == -7);
  CHECK(counter_of(raw(DType::u8, 200)) == 200);
  CHECK(counter_of(raw(DType::i8, 0xff)) == -1);
  CHECK(counter_of(raw(DType::i16, 0xfffe)) == -2);
  CHECK(counter_of(raw(DType::u16, 65535)) == 65535);
  CHECK(counter_of(raw(DType::u32, 0xffffffff)) == 0xffffffff);
  CHECK(counter_of(raw(DType::u64, 12)) == 12);
  CHECK(counter_of(raw(DType::boolean, 1)) == 1);
  // half() of more than 65504 batches is infinite.
  CHECK(counter_of(Tensor::from(Shape{}, std::vector<float>{INFINITY})) == 0);
  CHECK(counter_of(Tensor::from(Shape{}, std::vector<float>{NAN})) == 0);
  CHECK(counter_of(Tensor::from(Shape{}, std::vector<float>{1e30f})) == 0);
}

TEST_CASE("module: says everything that does not fit, and changes nothing then") {
  const StateDict state = copies(Toy().state_dict());
  CHECK(load_error(without(without(state, "conv.bias"), "norm.running_var")) ==
        "file.pth: tensors do not fit the model: 2 missing: conv.bias, norm.running_var");
  CHECK(load_error(with(state, "fc.weight", Tensor::full({2}, 1))) ==
        "file.pth: tensors do not fit the model: 1 extra: fc.weight");
  // Shapes are told as they are in the file: OIHW.
  CHECK(load_error(with(state, "conv.weight", Tensor::zeros({3, 5, 5, 2}))) ==
        "file.pth: tensors do not fit the model: 1 of another shape: conv.weight (wanted [3, 2, 3, 3], got "
        "[3, 2, 5, 5])");
  CHECK(
      load_error(with(state, "linear.weight", Tensor::zeros({12}))) ==
      "file.pth: tensors do not fit the model: 1 of another shape: linear.weight (wanted [4, 3], got [12])");
  CHECK(load_error(with(state, "linear.bias", Tensor::zeros({4}, DType::i64))) ==
        "file.pth: tensors do not fit the model: 1 of another type: linear.bias (wanted f32, got i64)");
  for (const char* name : {"linear.bias", "norm.num_batches_tracked"}) {
    for (const DType dtype : {DType::f8_e4m3, DType::c64}) {
      const Shape shape = find(state, name)->shape();
      CHECK(load_error(with(state, name, Tensor::zeros(shape, dtype))) ==
            std::string("file.pth: tensors do not fit the model: 1 of another type: ") + name + " (wanted " +
                (shape.rank() == 1 ? "f32" : "i64") + ", got " + name_of(dtype) + ")");
    }
  }
  CHECK(load_error(with(state, "scale", Tensor::zeros({2}))).find("wanted [], got [2]") != std::string::npos);
  StateDict repeated = state;
  repeated.push_back(state.front());
  CHECK(load_error(repeated).find("1 named twice: conv.weight") != std::string::npos);
  const std::string both = load_error(with(without(state, "conv.bias"), "linear.bias", Tensor::zeros({5})));
  CHECK(both.find("1 missing: conv.bias; 1 of another shape: linear.bias") != std::string::npos);
}

TEST_CASE("module: refuses NaN and infinity, and variances below 0") {
  const StateDict state = copies(Toy().state_dict());
  const float infinity = std::numeric_limits<float>::infinity();
  StateDict bad = with(state, "linear.bias", Tensor::from({4}, std::vector<float>{1, NAN, 2, -infinity}));
  CHECK(load_error(bad) ==
        "file.pth: wanted finite numbers, got NaN or infinity in 1 tensor: linear.bias (2 of 4)");
  bad = with(bad, "norm.running_var", Tensor::full({3}, infinity));
  CHECK(load_error(bad) ==
        "file.pth: wanted finite numbers, got NaN or infinity in 2 tensors: norm.running_var (3 of 3), "
        "linear.bias (2 of 4)");
  const float least = std::numeric_limits<float>::denorm_min();
  bad = with(state, "norm.running_var", Tensor::from({3}, std::vector<float>{0, -0.5f, -least}));
  CHECK(load_error(bad) ==
        "file.pth: wanted variances >= 0, got norm.running_var (-0.5 of channel 1, 2 of 3 negative)");
  CHECK(load_error(with(state, "norm.running_var", Tensor::from({3}, std::vector<float>{0, -0.0f, 1}))) ==
        "no error");
  // What is passed over may hold anything.
  const Toy toy;
  load_state_dict(toy, with(state, "fc.weight", Tensor::full({2}, NAN)), "file",
                  {.ignored_prefixes = {"fc."}, .prefix = ""});
}

TEST_CASE("module: a long list is cut, and says so") {
  CHECK(load_error({}) ==
        "file.pth: tensors do not fit the model: 9 missing: conv.weight, conv.bias and 7 more");
}

TEST_CASE("module: loads from a file in torchvision's layout") {
  for (const Device device : test::devices()) {
    const test::TemporaryFolder folder;
    const Toy from(Initialiser(1)), to(Initialiser(2, device));
    save_weights(folder / "toy.safetensors", from.state_dict());
    load_state_dict(to, folder / "toy.safetensors");
    CHECK(test::same_bytes(to.state_dict()[0].tensor, from.state_dict()[0].tensor));
    const std::string path = (folder / "absent.pth").string();
    CHECK(test::error_of([&] { load_state_dict(to, folder / "absent.pth"); }).find(path) == 0);
  }
}
