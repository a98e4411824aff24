// bf16 activations over f32 parameters follow f32 to a few roundings of 8 bits; what must stay f32 does; and
// a device without bf16 says so.
#include "engine/autograd/tape.h"
#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/cast.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/global_average_pool.h"
#include "engine/ops/max_pool.h"
#include "engine/ops/relu.h"
#include "engine/optim/optimizer.h"
#include "models/heads.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

constexpr double kTolerance = 2e-2;  // of a norm: a rounding is at most 4e-3 of a value

std::vector<Device> devices_with_bfloat16() {
  std::vector<Device> found;
  for (const Device device : test::devices()) {
    if (backend_of(device).has_bfloat16()) found.push_back(device);
  }
  return found;
}

/// The op's value, and the gradient of each input.
using Results = std::vector<Tensor>;
/// activations: in the type under test. parameters: f32.
using Op =
    std::function<Variable(std::span<const Variable> activations, std::span<const Variable> parameters)>;

Results results(const Op& op, const std::vector<Tensor>& activations, const std::vector<Tensor>& parameters,
                DType type) {
  std::vector<Variable> leaves, inputs, fixed;
  for (const Tensor& x : activations) {
    leaves.emplace_back(x.clone(), true);
    inputs.push_back(cast(leaves.back(), type));
  }
  for (const Tensor& p : parameters) fixed.emplace_back(p.clone(), true);
  const Variable y = op(inputs, fixed);
  Results found{y.data()};
  const Variable wide = cast(y, DType::f32);
  backward(wide, test::uniform(wide.shape(), -1, 1, 9, wide.data().device()));
  for (const std::vector<Variable>& group : {leaves, fixed}) {
    for (const Variable& leaf : group) found.push_back(leaf.grad());
  }
  return found;
}

void check_op(const char* name, DType result_type, const Op& op, std::vector<Tensor> activations,
              std::vector<Tensor> parameters = {}) {
  CAPTURE(name);
  for (const Device device : devices_with_bfloat16()) {
    for (Tensor& x : parameters) x = x.to(device);
    for (Tensor& x : activations) {  // representable, so that no ReLU flips for the rounding of its input
      x = x.to(device);
      x = cast(cast(Variable(x), DType::bf16), DType::f32).data();
    }
    const Results wanted = results(op, activations, parameters, DType::f32);
    test::poison_free_memory(device);
    const Results got = results(op, activations, parameters, DType::bf16);
    REQUIRE(got.size() == wanted.size());
    CHECK(got[0].dtype() == result_type);
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(test::relative_norm({got[i]}, {wanted[i]}) <= kTolerance);
    }
  }
}

const Tensor kImages = test::uniform({3, 6, 5, 16}, -2, 2, 1);

}  // namespace

TEST_CASE("mixed precision: each op's values and gradients follow f32's") {
  check_op("add", DType::bf16, [](auto x, auto) { return add(x[0], x[1]); },
           {kImages, test::uniform({3, 6, 5, 16}, -2, 2, 2)});
  check_op("relu", DType::bf16, [](auto x, auto) { return relu(x[0]); }, {kImages});
  check_op("max_pool", DType::bf16, [](auto x, auto) { return max_pool(x[0], Window{2, 2, 0}); }, {kImages});
  check_op("global_average_pool", DType::f32, [](auto x, auto) { return global_average_pool(x[0]); },
           {kImages});
  check_op("cast", DType::f32, [](auto x, auto) { return cast(x[0], DType::f32); }, {kImages});
  const Tensor w = test::uniform({8, 3, 3, 16}, -1, 1, 2), bias = test::uniform({8}, -1, 1, 3);
  check_op("conv2d", DType::bf16,
           [](auto x, auto p) {
             return conv2d(x[0], p[0], Window{3, 2, 1});
           },
           {kImages}, {w});
  check_op("conv2d of larger images", DType::bf16,  // another of the CPU's implementations
           [](auto x, auto p) {
             return conv2d(x[0], p[0], Window{3, 1, 1});
           },
           {test::uniform({2, 11, 10, 16}, -2, 2, 1)}, {w});
  check_op("conv2d of single pixels", DType::bf16,
           [](auto x, auto p) {
             return conv2d(x[0], p[0], Window{1, 1, 0});
           },
           {kImages}, {test::uniform({8, 1, 1, 16}, -1, 1, 2)});
  check_op("conv2d with a bias", DType::bf16,
           [](auto x, auto p) {
             return conv2d(x[0], p[0], p[1], Window{3, 2, 1});
           },
           {kImages}, {w, bias});
  check_op("conv2d in groups", DType::bf16,
           [](auto x, auto p) {
             return conv2d(x[0], p[0], Convolution(Window{3, 2, 1}, 4));
           },
           {kImages}, {test::uniform({8, 3, 3, 4}, -1, 1, 2)});
  for (const bool training : {false, true}) {
    const auto normalise = [=](const Variable& x, auto p, const Variable& residual) {
      const Device device = x.data().device();
      BatchNormState state{p[0], p[1], Tensor::zeros({16}, DType::f32, device),
                           Tensor::full({16}, 1).to(device)};
      return batch_norm(x, state, training, residual, /*relu=*/true);
    };
    const std::vector<Tensor> parameters{test::uniform({16}, 0.5, 2, 2), test::uniform({16}, 1, 2, 3)};
    check_op(
        "batch_norm", DType::bf16, [=](auto x, auto p) { return normalise(x[0], p, {}); }, {kImages},
        parameters);
    check_op(
        "batch_norm with a residual", DType::bf16, [=](auto x, auto p) { return normalise(x[0], p, x[1]); },
        {kImages, test::uniform({3, 6, 5, 16}, 0, 2, 4)}, parameters);
  }
}

TEST_CASE("mixed precision: a convolution with bias, residual and ReLU in one pass follows f32's") {
  const Tensor w = test::uniform({8, 3, 3, 16}, -1, 1, 2), bias = test::uniform({8}, -1, 1, 3);
  for (const Shape& shape : {Shape{3, 4, 3, 16}, Shape{2, 11, 10, 16}}) {  // few pixels, and many
    const Tensor x = test::uniform(shape, -2, 2, 1);
    const Tensor residual = test::uniform({shape[0], shape[1], shape[2], 8}, -2, 2, 4);
    for (const Device device : devices_with_bfloat16()) {
      const auto result = [&](DType type) {
        const auto in = [&](const Tensor& t) { return cast(Variable(t.to(device)), type).data(); };
        const Tensor added = in(residual), on_device = bias.to(device);
        const Tensor y =
            conv2d_fused(in(x), in(w), &on_device, Window{3, 1, 1}, {.residual = &added, .relu = true});
        CHECK(y.dtype() == type);
        return cast(Variable(y), DType::f32).data();
      };
      CHECK(test::relative_norm({result(DType::bf16)}, {result(DType::f32)}) <= kTolerance);
    }
  }
}

TEST_CASE("mixed precision: a convolution's weight gradient is bf16; sums of several are f32") {
  for (const Device device : devices_with_bfloat16()) {
    const Variable x = cast(Variable(kImages.to(device)), DType::bf16);
    Variable w(test::uniform({8, 1, 1, 16}, -1, 1, 2, device), true);
    const auto once = [&] {
      const Variable y = conv2d(x, w, Window{1, 1, 0});
      Tensor dy = Tensor::empty_like(y.data());
      fill(0.001f, dy);
      backward(y, dy);
    };
    once();
    CHECK(w.grad().dtype() == DType::bf16);
    const std::vector<float> single = test::to_floats(w.grad());
    for (int i = 1; i < 300; ++i) once();  // in bf16 a sum of equal terms stops growing after 256
    REQUIRE(w.grad().dtype() == DType::f32);
    const std::vector<float> sum = w.grad().to_vector<float>();
    for (std::size_t i = 0; i < sum.size(); ++i)
      CHECK(sum[i] == doctest::Approx(300 * single[i]).epsilon(1e-4));
    w.clear_grad();
    once();
    CHECK(w.grad().dtype() == DType::bf16);
    CHECK(test::to_floats(w.grad()) == single);
  }
}

TEST_CASE("mixed precision: the optimiser steps f32 parameters by bf16 gradients, scaled or not") {
  for (const Device device : devices_with_bfloat16()) {
    for (const std::string name : {"adam", "adamw", "sgd"}) {
      for (const float clip : {0.0f, 0.5f}) {
        CAPTURE(name);
        CAPTURE(clip);
        std::vector<Tensor> ends;
        for (const bool half : {false, true}) {
          const Variable p(test::uniform({37, 19}, -1, 1, 1, device), true);
          const auto optimizer = make_optimizer(name, {{{{"p", p}}, 1.0f, 0.1f}});
          Tensor gradient = test::uniform({37, 19}, -1, 1, 2, device);
          gradient = cast(Variable(gradient), DType::bf16).data();
          if (!half) gradient = cast(Variable(gradient), DType::f32).data();
          const Variable y = record("copy", {p}, p.data().clone(),
                                    [gradient](const Tensor&) -> Grads { return {gradient}; });
          backward(y, Tensor::zeros_like(y.data()));
          CHECK(p.grad().dtype() == gradient.dtype());
          optimizer->step({.learning_rate = 0.1f, .clip_norm = clip});
          CHECK(p.data().dtype() == DType::f32);
          ends.push_back(p.data());
        }
        CHECK(test::same_bytes(ends[0], ends[1]));
      }
    }
  }
}

TEST_CASE(
    "mixed precision: a training on bf16 copies of its weights is one that rounds them at each step, to the "
    "bit") {
  for (const Device device : devices_with_bfloat16()) {
    const Variable x = cast(Variable(kImages.to(device)), DType::bf16);
    for (const std::string name : {"adam", "adamw", "sgd"}) {
      CAPTURE(name);
      std::vector<Tensor> ends;
      for (const bool copies : {false, true}) {
        Initialiser initialiser(1, device);
        const Conv2d conv(16, 8, Window{3, 1, 1}, /*with_bias=*/true, initialiser);
        if (copies) keep_bf16_weights(conv);
        CHECK(conv.weight().bf16_copy().defined() == copies);
        CHECK(!conv.bias().bf16_copy().defined());
        const auto optimizer = make_optimizer(name, make_parameter_groups(conv.parameters(), 0.1f, true));
        for (int step = 0; step < 3; ++step) {
          optimizer->clear_gradients();
          const Variable y = conv.forward(x);
          backward(y, y.data());
          optimizer->step({.learning_rate = 0.01f});
          if (copies)
            CHECK(test::same_bytes(conv.weight().bf16_copy(), cast(conv.weight(), DType::bf16).data()));
        }
        ends.push_back(conv.weight().data());
      }
      CHECK(test::same_bytes(ends[0], ends[1]));
    }
  }
}

TEST_CASE("mixed precision: weights that are loaded are in the bf16 copies too, at their old place") {
  for (const Device device : devices_with_bfloat16()) {
    Initialiser initialiser(1, device), other(2, device);
    const Conv2d conv(16, 8, Window{3, 1, 1}, /*with_bias=*/false, initialiser);
    keep_bf16_weights(conv);
    const void* const place = conv.weight().bf16_copy().raw();
    load_state_dict(conv, Conv2d(16, 8, Window{3, 1, 1}, false, other).state_dict(), "file");
    CHECK(conv.weight().bf16_copy().raw() == place);
    CHECK(test::same_bytes(conv.weight().bf16_copy(), cast(conv.weight(), DType::bf16).data()));
  }
}

TEST_CASE("mixed precision: a CPU without bf16 refuses it, and any CPU TF32") {
  Tensor x = Tensor::zeros({1, 2, 2, 4}, DType::bf16);
  const Variable in(x);
  const Variable w(Tensor::zeros({2, 1, 1, 4}));
  BatchNormState state{Variable(Tensor::zeros({4})), Variable(Tensor::zeros({4})), Tensor::zeros({4}),
                       Tensor::zeros({4})};
  const auto error = [](auto&& body) { return test::error_of(body); };
  CHECK(error([&] { cast(w, DType::f64); }) == "cast: wanted y of type f32, got f64");
  ResNet network = make_resnet("resnet18", 1);
  network.set_precision(Precision::fp32);
  const bool has_bfloat16 = backend_of(Device::cpu()).has_bfloat16();
  CHECK(error([&] { network.set_precision(Precision::tf32); }) ==
        (has_bfloat16
             ? "precision: wanted \"fp32\" or \"bf16\" on device cpu, got \"tf32\""
             : "precision: wanted \"fp32\" (bf16 needs AVX512_BF16 or AMX) on device cpu, got \"tf32\""));
  if (has_bfloat16) return;
  CHECK(error([&] { conv2d(in, w, Window{1, 1, 0}); }) == "conv2d: wanted f32 on the CPU, got bf16");
  CHECK(error([&] { batch_norm(in, state, true); }) == "batch_norm: wanted f32 on the CPU, got bf16");
  CHECK(error([&] { relu(in); }) == "relu: wanted f32 on the CPU, got bf16");
  CHECK(error([&] { add(in, in); }) == "add: wanted f32 on the CPU, got bf16");
  CHECK(error([&] { max_pool(in, Window{2, 2, 0}); }) == "max_pool: wanted f32 on the CPU, got bf16");
  CHECK(error([&] { global_average_pool(in); }) == "global_average_pool: wanted f32 on the CPU, got bf16");
  CHECK(error([&] { cast(w, DType::bf16); }) == "cast: wanted f32 on the CPU, got bf16");
  CHECK(error([&] { network.set_precision(Precision::bf16); }) ==
        "precision: wanted \"fp32\" (bf16 needs AVX512_BF16 or AMX) on device cpu, got \"bf16\"");
}
