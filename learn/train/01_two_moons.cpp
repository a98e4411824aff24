// Train 1, two moons: one step of training, by hand.
//
// All of training is this, again and again: what does the network say of the points, and how wrong is it (the loss, going forward);
// which way does the loss grow with each parameter (the gradients, going back); and each parameter a little the other way. An
// optimiser, engine/optim, is the last line of it with some memory; examples/mlp.cpp is the same training with one.
//
// p.data() is the Tensor of a Variable p, p.grad() that of its gradient; t.numel() is how many values a Tensor has, and
// t.data<float>() points at the first. backward(loss) adds to the gradients; p.clear_grad() makes p forget its own. A Variable is a
// handle: `for (Variable p : network.parameters())` changes the network's own.
// To do: one step.
#include <algorithm>

#include "engine/autograd/tape.h"
#include "engine/core/random.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/linear.h"
#include "engine/ops/relu.h"
#include "engine/ops/softmax.h"
#include "learn/curves.h"
#include "learn/training.h"

using namespace tern;

struct Network {
  Variable w1, b1, w2, b2;

  /// Points [N, 2] -> logits [N, 2]: the larger one says which moon.
  Variable forward(const Variable& x) const { return linear(relu(linear(x, w1, b1)), w2, b2); }
  std::vector<Variable> parameters() const { return {w1, b1, w2, b2}; }
};

// ---- your code
// x [points, 2], labels [points]. Returns the loss as it was before the step.
float training_step(const Network& network, const Variable& x, const Tensor& labels, float rate) {
  // Your code: logits, their cross_entropy(logits, labels), backward; then for each parameter the values less rate times the gradient,
  // and the gradient forgotten. loss.data().item() is the loss as a number.
  return 0;
}
// ---- the test

Network make_network() {
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  const auto parameter = [&](const Shape& shape, float bound) {
    std::vector<float> values(static_cast<std::size_t>(shape.numel()));
    for (float& value : values) value = random.uniform(-bound, bound);
    return Variable(Tensor::from(shape, values), /*requires_grad=*/true);
  };
  const Variable w1 = parameter({32, 2}, 0.7f), b1 = parameter({32}, 0.7f), w2 = parameter({2, 32}, 0.2f);
  return {w1, b1, w2, parameter({2}, 0.2f)};
}

/// The values of all parameters, one after another.
std::vector<float> values_of(const Network& network, bool gradients = false) {
  std::vector<float> all;
  for (const Variable& parameter : network.parameters()) {
    const std::vector<float> values = (gradients ? parameter.grad() : parameter.data()).to_vector<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

/// a + factor * b is what, to a thousandth of b's size.
bool is_sum(const std::vector<float>& what, const std::vector<float>& a, float factor,
            const std::vector<float>& b) {
  float largest = 0, difference = 0;
  for (std::size_t i = 0; i < what.size(); ++i) {
    largest = std::max(largest, std::abs(factor * b[i]));
    difference = std::max(difference, std::abs(what[i] - a[i] - factor * b[i]));
  }
  return difference <= 1e-3f * largest;
}

struct Gradient {
  float loss;
  std::vector<float> values;
};

/// By a network of its own with those values.
Gradient gradient_at(const std::vector<float>& values, const Variable& x, const Tensor& labels) {
  const Network network = make_network();
  std::size_t at = 0;
  for (Variable parameter : network.parameters()) {
    std::copy_n(&values[at], parameter.data().numel(), parameter.data().data<float>());
    at += static_cast<std::size_t>(parameter.data().numel());
  }
  const Variable loss = cross_entropy(network.forward(x), labels);
  backward(loss);
  return {loss.data().item(), values_of(network, /*gradients=*/true)};
}

/// What is wrong with the first two steps; 0 if nothing.
int check_steps(const Variable& x, const Tensor& labels) {
  const Network network = make_network();
  constexpr float kRate = 0.5f;
  const std::vector<float> start = values_of(network);
  const Gradient first = gradient_at(start, x, labels);
  const float loss = training_step(network, x, labels, kRate);
  const std::vector<float> after = values_of(network);
  if (after == start) {
    const bool went_back = network.w1.grad().defined() || loss == first.loss;
    return lesson::not_yet("after a step every parameter is as it was",
                           went_back ? "the loss is there, but nobody has applied its gradients: value -= "
                                       "rate * gradient, for every value of each "
                                       "parameter. (Cleared before they are applied they are gone)"
                                     : "begin with the loss of the network's logits, and backward(loss)");
  }
  if (is_sum(after, start, kRate, first.values))
    return lesson::not_yet("the step went up the slope: the loss grows",
                           "the gradient points to where the loss is larger: subtract it");
  if (is_sum(after, start, -1, first.values))
    return lesson::not_yet("the step is the whole gradient", "times rate");
  if (!is_sum(after, start, -kRate, first.values)) {
    std::size_t wrong = 0;
    while (std::abs(after[wrong] - start[wrong] + kRate * first.values[wrong]) < 1e-5f) ++wrong;
    const char* const names[] = {"w1", "b1", "w2", "b2"};
    std::size_t of = 0, begin = 0;
    while (wrong - begin >= static_cast<std::size_t>(network.parameters()[of].data().numel()))
      begin += static_cast<std::size_t>(network.parameters()[of++].data().numel());
    return lesson::not_yet(std::string(names[of]) + "[" + std::to_string(wrong - begin) + "] is " +
                               std::to_string(after[wrong]) + ", wanted " +
                               std::to_string(start[wrong] - kRate * first.values[wrong]),
                           "all values of all four parameters: value -= rate * gradient, and the loss is the "
                           "mean over the points");
  }
  if (std::abs(loss - first.loss) > 1e-4f)
    return lesson::not_yet("the step says that the loss was " + std::to_string(loss) + ", and it was " +
                               std::to_string(first.loss),
                           "return loss.data().item()");
  const Gradient second = gradient_at(after, x, labels);
  training_step(network, x, labels, kRate);
  std::vector<float> sum = first.values;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += second.values[i];
  if (is_sum(values_of(network), after, -kRate, sum))
    return lesson::not_yet("the second step goes by the sum of both steps' gradients",
                           "backward adds to the gradients that are there: each parameter's must be "
                           "forgotten, clear_grad(), in between");
  if (!is_sum(values_of(network), after, -kRate, second.values))
    return lesson::not_yet("the second step is wrong, the first was right",
                           "what is kept from one step to the next? Nothing should be");
  return 0;
}

int test() {
  const lesson::Points points = lesson::two_moons(400, 0.1f, 1);
  const Variable x(points.inputs());
  const Tensor labels = points.labels();
  if (check_steps(x, labels) != 0) return 1;

  const Network network = make_network();
  std::vector<float> losses, accuracies;
  for (int step = 0; step < 600; ++step) {
    losses.push_back(training_step(network, x, labels, /*rate=*/0.5f));
    accuracies.push_back(static_cast<float>(lesson::accuracy_percent(network.forward(x).data(), labels)));
    if (step % 100 == 99)
      std::printf("step %3d  loss %.4f  accuracy %.1f %%\n", step + 1, losses.back(), accuracies.back());
  }

  lesson::Plot loss("Loss", "step", "cross-entropy (nats)"),
      accuracy("Accuracy", "step", "points told right (%)"), map("Where it draws the line", "x", "y");
  loss.line("400 points", losses, 1);
  accuracy.line("400 points", accuracies, 1).range(50, 101);
  for (const int moon : {0, 1}) {
    const lesson::Points half = points.of_moon(moon);
    map.points("moon " + std::to_string(moon), half.x, half.y);
  }
  map.ground([&](const std::vector<float>& across, const std::vector<float>& up) {
    const std::vector<float> p =
        softmax(network.forward(
                    Variable(lesson::Points{across, up, std::vector<std::int32_t>(up.size())}.inputs())))
            .data()
            .to_vector<float>();
    std::vector<float> second;
    for (std::size_t i = 1; i < p.size(); i += 2) second.push_back(p[i]);
    return second;
  });
  lesson::write_picture("01_two_moons", "Two moons: loss, accuracy and the network's boundary",
                        {loss, accuracy, map});
  if (accuracies.back() < 99)
    return lesson::not_yet("after 600 steps it tells too few points", "look at the curves");
  return lesson::right("600 steps, and the moons are apart");
}

int main() {
  return lesson::run(test);
}
