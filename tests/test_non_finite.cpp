// NaN and infinities through every op and in every place, as PyTorch hands them on: what went wrong must
// show.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "engine/autograd/tape.h"
#include "engine/backend/backend.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/cosine_head.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/global_average_pool.h"
#include "engine/ops/hierarchical_kl.h"
#include "engine/ops/l2_normalize.h"
#include "engine/ops/max_pool.h"
#include "engine/ops/relu.h"
#include "engine/ops/softmax.h"
#include "engine/ops/top1.h"
#include "tests/support/goldens.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

const std::map<std::string, test::GoldenCase>& goldens() {
  static const auto cases = test::read_goldens("non_finite.txt");
  return cases;
}

/// NaN for NaN, an infinity for the same, and finite numbers up to rounding.
void check_alike(const char* what, const Tensor& got, const reference::Array& wanted) {
  CAPTURE(std::string(what));
  const std::vector<float> values = got.to_vector<float>();
  REQUIRE(values.size() == wanted.values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(i);
    const double value = static_cast<double>(values[i]), want = wanted.values[i];
    if (std::isfinite(want)) {
      CHECK(value == doctest::Approx(want).epsilon(2e-5));
    } else {
      CHECK((std::isnan(want) ? std::isnan(value) : value == want));
    }
  }
}

Variable wanting_gradient(const test::GoldenCase& golden, const char* name, Device device) {
  return Variable(golden.tensor(name).to(device), true);
}

}  // namespace

TEST_CASE("non-finite: relu, pools and their gradients are PyTorch's") {
  for (const Device device : test::devices()) {
    CAPTURE(device.text());
    for (const char* name : {"relu", "max_pool"}) {
      CAPTURE(name);
      const test::GoldenCase& golden = goldens().at(name);
      const Variable x = wanting_gradient(golden, "x", device);
      const Variable y = std::string(name) == "relu" ? relu(x) : max_pool(x, Window{3, 2, 1});
      check_alike("y", y.data(), golden.array("y"));
      backward(y, golden.tensor("dy").to(device));
      check_alike("dx", x.grad(), golden.array("dx"));
    }
    const test::GoldenCase& golden = goldens().at("global_average_pool");
    check_alike("y", global_average_pool(Variable(golden.tensor("x").to(device))).data(), golden.array("y"));
  }
}

TEST_CASE(
    "non-finite: batch norm with residual and ReLU, its gradients and running statistics are PyTorch's") {
  for (const Device device : test::devices()) {
    CAPTURE(device.text());
    for (const bool training : {true, false}) {
      CAPTURE(training);
      const test::GoldenCase& golden =
          goldens().at(training ? "batch_norm_training" : "batch_norm_evaluation");
      const Variable x = wanting_gradient(golden, "x", device),
                     residual = wanting_gradient(golden, "residual", device);
      BatchNormState state{wanting_gradient(golden, "gamma", device),
                           wanting_gradient(golden, "beta", device), golden.tensor("mean").to(device),
                           golden.tensor("variance").to(device)};
      const Variable y = batch_norm(x, state, training, residual, true);
      check_alike("y", y.data(), golden.array("y"));
      // A device's kernel, which merges means, finds NaN for the mean of values with an infinity among them.
      const std::vector<float> mean = state.running_mean.to_vector<float>();
      for (std::size_t c = 0; c < mean.size(); ++c) {
        const double want = golden.array("mean_after").values[c];
        CHECK(std::isfinite(mean[c]) == std::isfinite(want));
        if (std::isfinite(want)) CHECK(mean[c] == doctest::Approx(want).epsilon(2e-5));
      }
      check_alike("running variance", state.running_variance, golden.array("variance_after"));
      backward(y, golden.tensor("dy").to(device));
      check_alike("dx", x.grad(), golden.array("dx"));
      check_alike("dresidual", residual.grad(), golden.array("dresidual"));
    }
  }
}

TEST_CASE("non-finite: rows of classes are PyTorch's") {
  for (const Device device : test::devices()) {
    CAPTURE(device.text());
    const auto input = [&](const char* name) { return Variable(goldens().at(name).tensor("x").to(device)); };
    check_alike("softmax", softmax(input("softmax")).data(), goldens().at("softmax").array("y"));
    check_alike("log_softmax", log_softmax(input("log_softmax")).data(),
                goldens().at("log_softmax").array("y"));
    check_alike("l2_normalize", l2_normalize(input("l2_normalize")).data(),
                goldens().at("l2_normalize").array("y"));
    const test::GoldenCase& head = goldens().at("cosine_head");
    const Variable w(head.tensor("w").to(device)), scale(Tensor::full({1}, 3).to(device));
    check_alike("cosine_head", cosine_head(input("cosine_head"), w, scale).data(), head.array("y"));

    const test::GoldenCase& losses = goldens().at("cross_entropy");
    const std::vector<float> logits = losses.tensor("x").to_vector<float>();
    const std::vector<std::int32_t> targets = losses.integers("targets");
    const std::size_t columns = logits.size() / targets.size();
    std::vector<float> loss;
    for (std::size_t row = 0; row < targets.size(); ++row) {
      const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row * columns);
      const std::vector<float> one(begin, begin + static_cast<std::ptrdiff_t>(columns));
      const Variable x(Tensor::from({1, static_cast<std::int64_t>(columns)}, one).to(device));
      loss.push_back(cross_entropy(x, test::integers({targets[row]}, device)).data().item());
    }
    check_alike("cross_entropy", Tensor::from({static_cast<std::int64_t>(loss.size())}, loss),
                losses.array("loss"));
  }
}

TEST_CASE("non-finite: the answer is the first NaN's place, as argmax gives it, and its probability NaN") {
  for (const Device device : test::devices()) {
    CAPTURE(device.text());
    const test::GoldenCase& golden = goldens().at("top1");
    const Tensor logits = golden.tensor("x").to(device);
    Tensor best = Tensor::zeros({logits.size(0)}, DType::i32, device);
    Tensor probability = Tensor::zeros({logits.size(0)}, DType::f32, device);
    top1(logits, &best, &probability);
    CHECK(best.to_vector<std::int32_t>() == golden.integers("best"));
    check_alike("probability", probability, golden.array("probability"));
  }
}

TEST_CASE("non-finite: a NaN or infinity in any logit makes the softmax's row, and the losses, NaN") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Device device : test::devices()) {
    CAPTURE(device.text());
    for (const std::int64_t classes : {4, 33}) {
      for (const float special : {NAN, infinity}) {
        for (std::int64_t place = 0; place < classes; ++place) {
          CAPTURE(place);
          Tensor wrong = test::uniform({1, classes}, -3, 3, 1);
          wrong.data<float>()[place] = special;
          const Variable x(wrong.to(device)), calm(test::uniform({1, classes}, -3, 3, 2, device));
          for (const float value : softmax(x).data().to_vector<float>()) CHECK(std::isnan(value));
          for (const float value : log_softmax(x).data().to_vector<float>()) CHECK(std::isnan(value));
          CHECK(std::isnan(cross_entropy(x, test::integers({2}, device)).data().item()));
          std::vector<std::int32_t> map(static_cast<std::size_t>(classes));
          for (std::int64_t i = 0; i < classes; ++i)
            map[static_cast<std::size_t>(i)] = static_cast<int>(i / 2);
          const Tensor sub_to_super = test::integers(map, device);
          const Variable head(test::uniform({1, (classes + 1) / 2}, -3, 3, 3, device));
          for (const auto direction : {HierarchicalKlOptions::Direction::implied_to_head,
                                       HierarchicalKlOptions::Direction::head_to_implied}) {
            CHECK(std::isfinite(hierarchical_kl(head, calm, sub_to_super, {direction}).data().item()));
            CHECK(std::isnan(hierarchical_kl(head, x, sub_to_super, {direction}).data().item()));
          }
        }
      }
    }
  }
}

namespace {

/// A convolution of ResNet-18 or 50 or ResNeXt-50 on 64x64 images, or one around the vectors' width;
/// winograd: whole tiles of outputs become NaN together, and neighbours where narrow groups are merged.
struct FusedCase {
  std::int64_t size, in, out;
  Window window;
  int groups = 1;
};
const FusedCase kFused[] = {
    {64, 3, 64, {7, 2, 3}},       {16, 64, 64, {1, 1, 0}},    {16, 64, 64, {3, 1, 1}},
    {16, 64, 256, {1, 1, 0}},     {16, 64, 128, {3, 2, 1}},   {16, 64, 128, {1, 2, 0}},
    {16, 256, 64, {1, 1, 0}},     {16, 128, 128, {3, 2, 1}},  {16, 256, 512, {1, 2, 0}},
    {8, 128, 512, {1, 1, 0}},     {4, 256, 256, {3, 1, 1}},   {4, 512, 512, {3, 2, 1}},
    {2, 512, 512, {3, 1, 1}},     {2, 512, 2048, {1, 1, 0}},  {2, 2048, 512, {1, 1, 0}},
    {28, 128, 512, {1, 1, 0}},    {7, 512, 512, {3, 1, 1}},   {9, 5, 7, {3, 1, 1}},
    {5, 9, 24, {1, 1, 0}},        {6, 17, 3, {3, 2, 0}},      {16, 128, 128, {3, 1, 1}, 32},
    {8, 512, 512, {3, 2, 1}, 32}, {9, 24, 24, {3, 1, 1}, 24}, {6, 17, 17, {3, 2, 1}, 17},
    {5, 15, 10, {3, 1, 1}, 5},
};

struct Fused {
  const FusedCase& of;
  Device device;
  Tensor x, w, bias;
  std::int64_t out_size;

  Fused(const FusedCase& c, Device where)
      : of(c),
        device(where),
        x(test::uniform({2, c.size, c.size, c.in}, -1, 1, 1)),
        w(test::uniform({c.out, c.window.kernel, c.window.kernel, c.in / c.groups}, -1, 1, 2)),
        bias(test::uniform({c.out}, -1, 1, 3)),
        out_size(c.window.output_extent(c.size)) {}

  Tensor residual() const { return test::uniform({2, out_size, out_size, of.out}, -1, 1, 4); }
  std::vector<float> run(const Tensor* added, bool rectified) const {
    const Tensor on_device = added != nullptr ? added->to(device) : Tensor(), shift = bias.to(device);
    return conv2d_fused(x.to(device), w.to(device), &shift, Convolution(of.window, of.groups),
                        {added != nullptr ? &on_device : nullptr, rectified})
        .to_vector<float>();
  }
  bool in_one_group(std::int64_t in, std::int64_t out) const {
    return in / (of.in / of.groups) == out / (of.out / of.groups);
  }
  /// True if output pixel (p, q) sees input pixel (row, column).
  bool sees(std::int64_t p, std::int64_t q, std::int64_t row, std::int64_t column) const {
    const auto covers = [&](std::int64_t output, std::int64_t input) {
      const std::int64_t tap = input + of.window.padding - output * of.window.stride;
      return tap >= 0 && tap < of.window.kernel;
    };
    return covers(p, row) && covers(q, column);
  }
};

/// A NaN of the input arrives in every output of its group whose window holds it, and in no other image.
void check_input(Fused fused, const Tensor* residual) {
  const std::int64_t size = fused.of.size, out = fused.of.out, pixels = size * size;
  const std::int64_t image_outputs = fused.out_size * fused.out_size * out;
  const std::int64_t step = std::max<std::int64_t>(1, pixels / 5) + 1;
  for (std::int64_t pixel = 0; pixel < pixels; pixel += step) {
    CAPTURE(pixel);
    const std::int64_t channel = pixel % fused.of.in;
    float& place = fused.x.data<float>()[(pixels + pixel) * fused.of.in + channel];
    const float before = place;
    place = NAN;
    const std::vector<float> y = fused.run(residual, true);
    place = before;
    std::int64_t hidden = 0, spread = 0;
    for (std::int64_t i = 0; i < image_outputs; ++i) {
      const std::int64_t p = i / out / fused.out_size, q = i / out % fused.out_size;
      spread += std::isnan(y[static_cast<std::size_t>(i)]) ? 1 : 0;
      if (!fused.sees(p, q, pixel / size, pixel % size) || !fused.in_one_group(channel, i % out)) continue;
      hidden += std::isnan(y[static_cast<std::size_t>(image_outputs + i)]) ? 0 : 1;
    }
    CHECK(hidden == 0);
    CHECK(spread == 0);
  }
}

/// Every third value of the residual is special: NaN, infinity, -infinity in turn.
void check_residual(const Fused& fused) {
  Tensor residual = fused.residual();
  const std::vector<float> plain = fused.run(&residual, false);
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kSpecial[] = {NAN, kInfinity, -kInfinity};
  for (std::int64_t i = 0; i < residual.numel(); i += 3) residual.data<float>()[i] = kSpecial[i / 3 % 3];
  const std::vector<float> y = fused.run(&residual, true);
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const float value = y[i], sum = plain[i];
    if (i % 3 != 0) {
      // Next to nothing is allowed for 0, but nothing below it.
      wrong += sum > 0 ? std::abs(value - sum) > 1e-5f : value < 0 || value > 1e-27f;
    } else if (i / 3 % 3 == 0) {
      wrong += !std::isnan(value);
    } else if (i / 3 % 3 == 1) {
      wrong += value != kInfinity;
    } else {
      wrong += value != 0 && value != kInfinity;
    }
  }
  CHECK(wrong == 0);
}

/// A NaN among the biases or weights arrives in the whole of its channel, and in no other.
void check_channel(Fused fused, float& place, std::int64_t channel) {
  place = NAN;
  const std::vector<float> y = fused.run(nullptr, true);
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    wrong += std::isnan(y[i]) != (static_cast<std::int64_t>(i) % fused.of.out == channel);
  }
  CHECK(wrong == 0);
}

}  // namespace

TEST_CASE("non-finite: a convolution's ReLU hands NaN on from every input, in every implementation") {
  for (const Device device : test::devices()) {
    CAPTURE(device.text());
    for (const FusedCase& c : kFused) {
      CAPTURE(c.size);
      CAPTURE(c.in);
      CAPTURE(c.out);
      CAPTURE(c.window.kernel);
      CAPTURE(c.window.stride);
      CAPTURE(c.groups);
      const Fused fused(c, device);
      const Tensor residual = fused.residual();
      check_input(fused, nullptr);
      check_input(fused, &residual);
      check_residual(fused);
      Fused of_bias(c, device), of_weight(c, device);
      check_channel(of_bias, of_bias.bias.data<float>()[c.out - 1], c.out - 1);
      const std::int64_t middle = of_weight.w.numel() / c.out / 2;  // of a filter: its window's centre
      check_channel(of_weight, of_weight.w.data<float>()[middle], 0);
    }
  }
}
