// Train 3, the learning rate: warm-up and cosine, and what three rates make of one network.
//
// The rate is the size of a step. Too small a one gets nowhere in the time there is; with too large a one the loss jumps about, or
// leaves for good. At the start, when the gradients are large and point here and there, even a good rate may be too much: warm-up
// begins with a part of it. At the end it keeps the network from settling: a schedule lowers it. One that is common falls as half a
// cosine does, slowly, then fast, then slowly again.
//
//   warm-up   step s of `warmup` steps has (s + 1) / (warmup + 1) of the rate: no step has none, and the first after it has all
//   cosine    after that (1 + cos(pi t)) / 2, where t goes from 0 at the first step after the warm-up towards 1 at `total`
//
// To do: the schedule. engine/optim/schedule.h has it, too.
#include <cmath>
#include <cstdio>
#include <functional>
#include <numbers>
#include <numeric>

#include "engine/autograd/tape.h"
#include "engine/core/random.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/relu.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "learn/curves.h"
#include "learn/training.h"
#include "models/layers.h"

using namespace tern;

// ---- your code
// The part of the rate that step 0, 1, ... total - 1 has.
float factor(int step, int warmup, int total) {
  // Your code: an if and two returns. std::numbers::pi_v<float> is pi.
  return 0;
}
// ---- the test

constexpr int kSteps = 400;

/// Whether the learner's schedule is this one, everywhere.
template <typename Formula>
bool is(int warmup, int total, Formula&& formula) {
  for (int step = 0; step < total; ++step) {
    if (std::abs(factor(step, warmup, total) - formula(static_cast<float>(step))) > 1e-4f) return false;
  }
  return true;
}

int check_schedule() {
  constexpr int kWarmup = 10, kTotal = 110;
  constexpr float kPi = std::numbers::pi_v<float>, kW = kWarmup, kT = kTotal;
  const auto cosine = [](float part) { return (1 + std::cos(kPi * part)) / 2; };
  const auto after = [&](float step) { return cosine((step - kW) / (kT - kW)); };
  const auto warm = [](float step) { return (step + 1) / (kW + 1); };
  const auto schedule = [&](float step) { return step < kW ? warm(step) : after(step); };
  const auto told = [&](int step) {
    return "step " + std::to_string(step) + " of 110, 10 of them warm-up, has " +
           std::to_string(factor(step, kWarmup, kTotal)) + " of the rate, wanted " +
           std::to_string(schedule(static_cast<float>(step)));
  };
  if (is(kWarmup, kTotal, [](float) { return 0.f; }))
    return lesson::not_yet("every step has a rate of 0", "two cases: step < warmup, or not");
  int wrong = 0;
  while (wrong < kTotal &&
         std::abs(factor(wrong, kWarmup, kTotal) - schedule(static_cast<float>(wrong))) < 1e-4f)
    ++wrong;
  if (wrong == kTotal) {
    const Schedule engines = {Schedule::Kind::cosine, 0, 50};
    for (int step = 0; step < 50; ++step) {
      if (!(std::abs(factor(step, 0, 50) - schedule_factor(engines, step)) < 1e-4f))
        return lesson::not_yet("without warm-up step " + std::to_string(step) + " of 50 has " +
                                   std::to_string(factor(step, 0, 50)),
                               "warmup may be 0");
    }
    return 0;
  }
  std::string hint = wrong < kWarmup ? "in the warm-up (step + 1) / (warmup + 1)"
                                     : "(1 + cos(pi t)) / 2, t = (step - warmup) / (total - warmup)";
  if (is(kWarmup, kTotal, [&](float step) { return step < kW ? step / kW : after(step); }))
    hint = "step / warmup is 0 for the first step, which then does nothing: count from 1";
  if (is(kWarmup, kTotal, [&](float step) { return step < kW ? (step + 1) / kW : after(step); }))
    hint =
        "(step + 1) / warmup has the whole rate one step early: warmup steps have less than all, so there "
        "are warmup + 1 stairs";
  if (is(kWarmup, kTotal, [&](float step) { return step < kW ? 0 : after(step); }) ||
      is(kWarmup, kTotal, [&](float step) { return step < kW ? 0 : 1.f; }))
    hint = "an int divided by a larger int is 0: divide floats, (step + 1.f) / (warmup + 1)";
  if (is(kWarmup, kTotal, [&](float step) { return step < kW ? warm(step) : cosine(step / kT); }))
    hint = "the cosine begins after the warm-up: a step of warmup has t = 0, not warmup / total";
  if (is(kWarmup, kTotal, [&](float step) { return step < kW ? warm(step) : cosine((step - kW) / kT); }))
    hint = "after the warm-up total - warmup steps are left for t to go from 0 to 1";
  if (is(kWarmup, kTotal,
         [&](float step) { return step < kW ? warm(step) : cosine(2 * (step - kW) / (kT - kW)); }))
    hint = "it comes up again: half a turn, pi, not 2 pi";
  if (is(kWarmup, kTotal,
         [&](float step) { return step < kW ? warm(step) : std::cos(kPi * (step - kW) / (kT - kW)); }))
    hint = "a cosine goes from 1 to -1; plus 1, and half of it, goes from 1 to 0";
  if (is(kWarmup, kTotal, [&](float step) { return step < kW ? warm(step) : 1.f; }))
    hint =
        "the warm-up is right; after it t = (step - warmup) / (total - warmup), of floats: of ints it is 0 "
        "to the end";
  return lesson::not_yet(told(wrong), hint);
}

/// Five layers. The loss of all points after every tenth of 400 steps of gradient descent with momentum, 20 points a step.
std::vector<float> train(const lesson::Points& points, const std::function<float(int)>& rate_of) {
  constexpr int kBatch = 20;
  Initialiser initialiser(/*seed=*/2);
  std::vector<Linear> layers;
  std::vector<ParameterEntry> parameters;
  for (const auto& [in, out] : {std::pair(2, 32), {32, 32}, {32, 32}, {32, 32}, {32, 2}}) {
    layers.emplace_back(in, out, initialiser);
    for (const ParameterEntry& entry : layers.back().parameters(std::to_string(layers.size()) + "."))
      parameters.push_back(entry);
  }
  const auto loss_of = [&](const lesson::Points& some) {
    Variable x(some.inputs());
    for (const Linear& layer : layers)
      x = &layer == &layers.back() ? layer.forward(x) : relu(layer.forward(x));
    return cross_entropy(x, some.labels());
  };
  Sgd sgd({{.parameters = parameters}}, {.momentum = 0.9f});
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  std::vector<std::int64_t> order(static_cast<std::size_t>(points.count()));
  std::iota(order.begin(), order.end(), 0);
  std::vector<float> losses;
  for (int step = 0; step < kSteps; ++step) {
    const int at = step * kBatch % points.count();
    if (at == 0) random.shuffle(order);
    backward(loss_of(points.only({order.begin() + at, order.begin() + at + kBatch})));
    sgd.step({.learning_rate = rate_of(step)});
    sgd.clear_gradients();
    const NoGrad no_history;
    if (step % 10 == 9) losses.push_back(loss_of(points).data().item());
  }
  return losses;
}

/// The mean of the last ten: with a rate that is too large they jump.
float end_of(const std::vector<float>& losses) {
  return std::accumulate(losses.end() - 10, losses.end(), 0.f) / 10;
}

int test() {
  if (check_schedule() != 0) return 1;
  const lesson::Points points = lesson::two_moons(400, 0.25f, 1);
  lesson::Plot three("Three constant rates", "step", "cross-entropy of all points (nats)"),
      schedules("A rate of 0.1", "step", "cross-entropy of all points (nats)"),
      factors("The schedule: 40 steps of warm-up", "step", "part of the rate");
  const auto run = [&](lesson::Plot& plot, const std::string& name,
                       const std::function<float(int)>& rate_of) {
    const std::vector<float> losses = train(points, rate_of);
    plot.line(name, losses, 10, 10);
    std::printf("%-20s loss at the end ", name.c_str());
    std::puts(std::isnan(end_of(losses)) ? "is no number any more" : std::to_string(end_of(losses)).c_str());
    return end_of(losses);
  };
  const float small = run(three, "rate 0.003", [](int) { return 0.003f; });
  const float good = run(three, "rate 0.1", [](int) { return 0.1f; });
  const float large = run(three, "rate 1", [](int) { return 1.f; });
  run(schedules, "constant", [](int) { return 0.1f; });
  const float falling = run(schedules, "cosine", [](int step) { return 0.1f * factor(step, 0, kSteps); });
  run(schedules, "warm-up and cosine", [](int step) { return 0.1f * factor(step, 40, kSteps); });
  std::vector<float> parts;
  for (int step = 0; step < kSteps; ++step) parts.push_back(factor(step, 40, kSteps));
  factors.line("warm-up and cosine", parts);
  lesson::write_picture("03_learning_rate",
                        "Learning rates: too small, good and too large, and what a schedule brings",
                        {three.range(0, 1), schedules, factors});
  if (!(good < small && !(large <= good) && falling < good))
    return lesson::not_yet("the losses are not as they should be", "look at the curves");
  return lesson::right(
      "0.1 is good, and better if it falls. (Warm-up brings nothing to a network as small as this one)");
}

int main() {
  return lesson::run(test);
}
