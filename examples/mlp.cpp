// A network of two layers learns to tell two half-moons apart. Exits with 1 if it does not.   mlp [cpu|cuda]
#include <cmath>
#include <cstdio>

#include "engine/autograd/tape.h"
#include "engine/core/random.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/linear.h"
#include "engine/ops/relu.h"
#include "engine/ops/softmax.h"
#include "engine/optim/optimizer.h"

using namespace tern;

int main(int argc, char** argv) try {
  constexpr int kPoints = 400, kHidden = 32;
  const Device device = parse_device(argc > 1 ? argv[1] : "cpu");

  // Point i, of moon i % 2: the moons are half circles around (0, 0) and (1, 0.5), blurred a little.
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  std::vector<float> points, one_hot;
  for (int i = 0; i < kPoints; ++i) {
    const float side = i % 2 == 0 ? 1.f : -1.f, angle = random.uniform(0.f, 3.14159f);
    points.push_back(0.5f - side * 0.5f + side * std::cos(angle) + 0.1f * random.normal());
    points.push_back(0.25f - side * 0.25f + side * std::sin(angle) + 0.1f * random.normal());
    one_hot.insert(one_hot.end(), {i % 2 == 0 ? 1.f : 0.f, i % 2 == 0 ? 0.f : 1.f});
  }
  const Variable x(Tensor::from({kPoints, 2}, points).to(device));
  const Variable targets(Tensor::from({kPoints, 2}, one_hot).to(device));

  const auto parameter = [&](const Shape& shape, float bound) {  // uniform in [-bound, bound)
    std::vector<float> values(static_cast<std::size_t>(shape.numel()));
    for (float& value : values) value = random.uniform(-bound, bound);
    return Variable(Tensor::from(shape, values).to(device), /*requires_grad=*/true);
  };
  const Variable w1 = parameter({kHidden, 2}, 0.7f), b1 = parameter({kHidden}, 0.7f);
  const Variable w2 = parameter({2, kHidden}, 0.2f), b2 = parameter({2}, 0.2f);
  Adam adam({{.parameters = {{"w1", w1}, {"b1", b1}, {"w2", w2}, {"b2", b2}}}});

  double accuracy = 0;
  for (int step = 1; step <= 200; ++step) {
    const Variable logits = linear(relu(linear(x, w1, b1)), w2, b2);
    const Variable loss = -sum(targets * log_softmax(logits)) / kPoints;
    backward(loss);
    adam.step({.learning_rate = 0.02f});
    adam.clear_gradients();
    if (step % 40 != 0) continue;
    const std::vector<float> values = logits.data().to_vector<float>();
    int correct = 0;
    for (int i = 0; i < kPoints; ++i) correct += (values[2 * i] < values[2 * i + 1]) == (i % 2 == 1);
    accuracy = 100.0 * correct / kPoints;
    std::printf("step %3d  loss %.4f  accuracy %.1f %%\n", step, loss.data().item(), accuracy);
  }
  return accuracy > 95 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "mlp: %s\n", error.what());
  return 1;
}
