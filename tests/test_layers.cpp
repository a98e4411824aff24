#include "models/layers.h"

#include <algorithm>
#include <cmath>

#include "data/random_purpose.h"
#include "tests/support/files.h"
#include "tests/support/formula.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

struct Moments {
  double mean = 0, deviation = 0, least = 0, most = 0;
};

Moments moments(const Tensor& x) {
  Moments m;
  const std::vector<float> values = x.to_vector<float>();
  m.least = m.most = values.front();
  for (const float value : values) m.mean += value;
  m.mean /= static_cast<double>(values.size());
  for (const float value : values) {
    m.deviation += (value - m.mean) * (value - m.mean);
    m.least = std::min<double>(m.least, value);
    m.most = std::max<double>(m.most, value);
  }
  m.deviation = std::sqrt(m.deviation / static_cast<double>(values.size()));
  return m;
}

}  // namespace

TEST_CASE("layers: initial values have torchvision's distributions") {
  Initialiser initialiser(1);
  const Conv2d conv(16, 64, Window{3, 1, 1}, true, initialiser);
  const Moments weight = moments(conv.weight().data());  // 9216 values
  CHECK(weight.mean == doctest::Approx(0).scale(1).epsilon(0.003));
  CHECK(weight.deviation == doctest::Approx(std::sqrt(2.0 / (64 * 9))).epsilon(0.03));
  CHECK(weight.most > 3 * weight.deviation);  // normal: a uniform one ends at 1.7 deviations
  const double bias_bound = 1 / std::sqrt(16.0 * 9);
  CHECK(moments(conv.bias().data()).most <= bias_bound);
  CHECK(moments(conv.bias().data()).most > 0.8 * bias_bound);
  const Conv2d grouped(64, 64, Convolution(Window{3, 1, 1}, 4), true, initialiser);
  CHECK(grouped.weight().shape() == Shape{64, 3, 3, 16});
  CHECK(moments(grouped.weight().data()).deviation == doctest::Approx(weight.deviation).epsilon(0.05));
  CHECK(moments(grouped.bias().data()).most <= bias_bound);
  CHECK(moments(grouped.bias().data()).most > 0.8 * bias_bound);
  CHECK(test::error_of([&] { Conv2d(6, 4, Convolution(Window{}, 4), false, initialiser); }) ==
        "conv2d: wanted channels that 4 groups divide evenly, got 6 in, 4 out");
  CHECK_FALSE(Conv2d(1, 1, Window{1, 1, 0}, false, initialiser).bias().defined());

  const Linear linear(64, 100, initialiser);
  for (const ParameterEntry& entry : linear.parameters()) {
    const Moments m = moments(entry.value.data());
    CAPTURE(entry.name);
    CHECK(m.most <= 0.125);
    CHECK(m.least >= -0.125);
    CHECK(m.most > 0.115);
    CHECK(m.least < -0.115);
    CHECK(m.deviation == doctest::Approx(0.125 / std::sqrt(3.0)).epsilon(0.1));
  }
  const BatchNorm2d norm(3, initialiser);
  std::vector<std::vector<float>> state;
  for (const NamedTensor& entry : norm.state_dict()) {
    if (entry.tensor.dtype() == DType::f32) state.push_back(entry.tensor.to_vector<float>());
  }
  CHECK(state == std::vector<std::vector<float>>{{1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}});
}

TEST_CASE("layers: each parameter has numbers of its own, the same for a seed") {
  Initialiser first(7), again(7), other(8), zeros = Initialiser::zeros();
  const Linear a(5, 5, first), b(5, 5, first), c(5, 5, again), d(5, 5, other), e(5, 5, zeros);
  const auto weight = [](const Linear& layer) { return layer.parameters()[0].value.data(); };
  CHECK(test::same_bytes(weight(a), weight(c)));
  CHECK_FALSE(test::same_bytes(weight(a), weight(b)));
  CHECK_FALSE(test::same_bytes(weight(a), weight(d)));
  CHECK(test::same_bytes(weight(e), Tensor::zeros({5, 5})));
  // The numbers themselves: a model must not change with the version of tern.
  RandomStream stream(7, random_purpose::initialise, 0);
  CHECK(weight(a).to_vector<float>()[0] == stream.uniform(-1 / std::sqrt(5.0f), 1 / std::sqrt(5.0f)));
}

TEST_CASE("layers: values are those of the references") {
  for (const Device device : test::devices()) {
    Initialiser initialiser(1, device);
    const Tensor x = test::uniform({2, 5, 4, 3}, -2, 2, 1, device);
    const Conv2d conv(3, 6, Window{3, 2, 1}, true, initialiser);
    const reference::Array bias = test::array(conv.bias().data());
    CHECK_CLOSE(conv.forward(Variable(x)).data(),
                reference::conv2d(test::array(x), test::array(conv.weight().data()), &bias, 2, 1),
                test::tolerance::kSum);
    const Conv2d grouped(3, 6, Convolution(Window{3, 2, 1}, 3), false, initialiser);
    CHECK_CLOSE(grouped.forward(Variable(x)).data(),
                reference::conv2d(test::array(x), test::array(grouped.weight().data()), nullptr, 2, 1),
                test::tolerance::kSum);
    const Linear linear(3, 4, initialiser);
    const Tensor rows = x.reshape({40, 3});
    const auto parameters = linear.parameters();
    const reference::Array w = test::array(parameters[0].value.data()),
                           b = test::array(parameters[1].value.data());
    CHECK_CLOSE(linear.forward(Variable(rows)).data(), reference::linear(test::array(rows), w, &b),
                test::tolerance::kSum);
  }
}

TEST_CASE("layers: batch norm follows its mode") {
  for (const Device device : test::devices()) {
    Initialiser initialiser(1, device);
    BatchNorm2d norm(3, initialiser);
    test::fill_by_formula(norm, 2);
    const StateDict state = norm.state_dict();
    const auto count = [&] { return find(state, "num_batches_tracked")->to_vector<std::int64_t>().front(); };
    const BatchNormState& now = norm.state();
    const reference::Array gamma = test::array(now.gamma.data()), beta = test::array(now.beta.data());
    const reference::Array mean = test::array(now.running_mean), variance = test::array(now.running_variance);
    const Tensor x = test::uniform({2, 5, 4, 3}, -2, 2, 1, device),
                 residual = test::uniform({2, 5, 4, 3}, -2, 2, 2, device);

    norm.set_training(false);
    const reference::Array evaluated =
        reference::batch_norm(test::array(x), gamma, beta, mean, variance, 1e-5);
    CHECK_CLOSE(norm.forward(Variable(x), false).data(), evaluated, test::tolerance::kSum);
    CHECK_CLOSE(norm.forward(Variable(x), true, Variable(residual)).data(),
                reference::relu(reference::add(evaluated, test::array(residual))), test::tolerance::kSum);
    norm.count_batch();
    CHECK(count() == 0);
    CHECK_CLOSE(now.running_mean, mean, 0);

    norm.set_training(true);
    const reference::Statistics batch = reference::statistics(test::array(x));
    CHECK_CLOSE(norm.forward(Variable(x), false).data(),
                reference::batch_norm(test::array(x), gamma, beta, batch.mean, batch.biased_variance, 1e-5),
                test::tolerance::kSum);
    CHECK(count() == 0);
    norm.count_batch();
    CHECK(count() == 1);
    reference::Array moved = mean;
    for (std::int64_t c = 0; c < 3; ++c) moved[c] = 0.9 * mean[c] + 0.1 * batch.mean[c];
    CHECK_CLOSE(now.running_mean, moved, test::tolerance::kSum);
  }
}
