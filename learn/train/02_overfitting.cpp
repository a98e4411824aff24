// Train 2, overfitting: a split, weight decay, and to stop in time.
//
// A network with more parameters than points can learn the points by heart, the blurred ones on the wrong side included. Its loss on
// them goes to nothing, while on points that it has never seen it grows: what it learns then is the blur. So some points are kept
// from training, for validation; their loss says when to stop, and which parameters to keep. Weight decay, a pull of each weight
// towards 0, makes learning by heart expensive.
//
// A Tensor is a handle: a copy of it sees the same values. t.clone() copies the values. To do: the split, and when to stop.
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>

#include "engine/autograd/tape.h"
#include "engine/core/random.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/relu.h"
#include "engine/ops/softmax.h"
#include "engine/optim/optimizer.h"
#include "learn/curves.h"
#include "learn/training.h"
#include "models/layers.h"

using namespace tern;

struct Split {
  std::vector<std::int64_t> training, validation;  ///< numbers of points
};

// ---- your code
// Divides the points 0 .. count - 1, which lie class by class: `validation` of them, drawn at random, and the rest.
Split split(std::int64_t count, std::int64_t validation, RandomStream& random) {
  // Your code: all numbers in a vector, random.shuffle(numbers), and the vector in two.
  return {};
}

struct EarlyStop {
  int patience;  ///< epochs in a row that need not be better than the best
  float best = std::numeric_limits<float>::infinity();
  int best_epoch = -1;
  std::vector<Tensor> kept = {};  ///< the parameters of the best epoch

  // After each epoch. True: `patience` epochs in a row have brought nothing.
  bool stop(int epoch, float validation_loss, const std::vector<ParameterEntry>& parameters) {
    // Your code: of the best epoch so far keep loss, number and a copy of each parameter.value.data().
    return false;
  }
};
// ---- the test

/// 2 -> 100 -> 100 -> 2: ten thousand parameters.
struct Network {
  Initialiser initialiser{/*seed=*/4};
  Linear first{2, 100, initialiser}, second{100, 100, initialiser}, third{100, 2, initialiser};

  Variable forward(const Variable& x) const {
    return third.forward(relu(second.forward(relu(first.forward(x)))));
  }
  std::vector<ParameterEntry> parameters() const {
    std::vector<ParameterEntry> all = first.parameters("first.");
    for (const ParameterEntry& entry : second.parameters("second.")) all.push_back(entry);
    for (const ParameterEntry& entry : third.parameters("third.")) all.push_back(entry);
    return all;
  }
};

int check_split(const lesson::Points& points) {
  constexpr std::int64_t kValidation = 200;
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  const Split parts = split(points.count(), kValidation, random);
  const auto size = [](const std::vector<std::int64_t>& numbers) { return std::to_string(numbers.size()); };
  if (parts.training.empty() && parts.validation.empty())
    return lesson::not_yet("the split is empty",
                           "std::iota(numbers.begin(), numbers.end(), 0) fills a vector with 0, 1, 2, ...");
  std::vector<int> times(static_cast<std::size_t>(points.count()));
  for (const std::vector<std::int64_t>* part : {&parts.training, &parts.validation}) {
    for (const std::int64_t number : *part) {
      if (number < 0 || number >= points.count())
        return lesson::not_yet("the split has point " + std::to_string(number) + " of 0 to " +
                                   std::to_string(points.count() - 1),
                               "numbers begin at 0");
      if (++times[static_cast<std::size_t>(number)] == 2)
        return lesson::not_yet(
            "point " + std::to_string(number) + " is there twice",
            "a point in both parts is one that validation has seen: what is in one is not in the other");
    }
  }
  if (parts.validation.size() != kValidation ||
      parts.training.size() + parts.validation.size() != times.size())
    return lesson::not_yet("wanted " + std::to_string(points.count() - kValidation) +
                               " points to train and 200 to validate, got " + size(parts.training) + " and " +
                               size(parts.validation),
                           "the first `validation` of the shuffled numbers, and all others");
  for (const std::vector<std::int64_t>* part : {&parts.validation, &parts.training}) {
    const lesson::Points chosen = points.only(*part);
    const int seconds = std::accumulate(chosen.moons.begin(), chosen.moons.end(), 0);
    if (seconds < chosen.count() / 4 || seconds > chosen.count() * 3 / 4)
      return lesson::not_yet("of " + size(*part) + " points in one part " + std::to_string(seconds) +
                                 " are of moon 1, half of all are",
                             "the points lie class by class: random.shuffle(numbers) before you divide them");
  }
  return 0;
}

int check_stop() {
  const std::vector<float> losses = {1.0f, 0.8f, 0.9f, 0.7f, 0.75f, 0.72f, 0.74f, 0.73f, 0.71f};
  constexpr int kBest = 3, kPatience = 3;
  const Variable weight(Tensor::zeros({1}), /*requires_grad=*/true);
  const std::vector<ParameterEntry> parameters = {{"weight", weight}};
  EarlyStop stop{kPatience};
  int epoch = 0;
  for (; epoch < static_cast<int>(losses.size()); ++epoch) {
    Variable(weight).data().data<float>()[0] = static_cast<float>(epoch);  // as a step would, in place
    if (stop.stop(epoch, losses[static_cast<std::size_t>(epoch)], parameters)) break;
  }
  std::string told;
  for (const float loss : losses) told += (told.empty() ? "" : ", ") + std::to_string(loss).substr(0, 4);
  const std::string script = "validation losses of " + told + ", patience 3: ";
  if (stop.best_epoch == -1)
    return lesson::not_yet(script + "no best epoch", "if (validation_loss < best), keep all three");
  if (stop.best_epoch != kBest || stop.best != losses[kBest])
    return lesson::not_yet(script + "the best epoch is 3, got " + std::to_string(stop.best_epoch),
                           epoch < kBest + kPatience
                               ? "it stopped too early, after epoch " + std::to_string(epoch) +
                                     ": patience counts from the best epoch"
                               : "compare with the best so far, not with the epoch before");
  if (stop.kept.size() != 1)
    return lesson::not_yet(
        script + "of one parameter " + std::to_string(stop.kept.size()) + " copies are kept",
        "of every parameter of the best epoch one, and those of earlier epochs forgotten: kept.clear()");
  if (stop.kept[0].data<float>()[0] != kBest)
    return lesson::not_yet(
        script + "what is kept was 3 after the best epoch, and is " + std::to_string(epoch) + " now",
        "a Tensor is a handle, and training goes on in the same values: keep parameter.value.data().clone()");
  if (epoch != kBest + kPatience)
    return lesson::not_yet(
        script +
            (epoch == static_cast<int>(losses.size()) ? "it does not stop"
                                                      : "it stops after epoch " + std::to_string(epoch)) +
            ", wanted after epoch 6",
        "epochs 4, 5 and 6 are three in a row that brought nothing: epoch - best_epoch counts them");
  return 0;
}

struct Run {
  Network network;
  std::vector<float> training, validation;  ///< losses, an epoch each
  int stopped = -1;                         ///< after which epoch, if it was
};

/// All training points at once are a step, and an epoch.
void train(Run& run, const lesson::Points& training, const lesson::Points& validation, float decay,
           EarlyStop* stop) {
  constexpr int kEpochs = 300;
  const Variable x(training.inputs()), unseen(validation.inputs());
  AdamW adam(make_parameter_groups(run.network.parameters(), decay, /*decay_exempt=*/true));
  for (int epoch = 0; epoch < kEpochs && run.stopped < 0; ++epoch) {
    const Variable loss = cross_entropy(run.network.forward(x), training.labels());
    backward(loss);
    adam.step({.learning_rate = 0.005f});
    adam.clear_gradients();
    const NoGrad no_history;
    run.training.push_back(loss.data().item());
    run.validation.push_back(cross_entropy(run.network.forward(unseen), validation.labels()).data().item());
    if (stop != nullptr && stop->stop(epoch, run.validation.back(), run.network.parameters()))
      run.stopped = epoch;
  }
  if (stop == nullptr) return;
  const std::vector<ParameterEntry> parameters = run.network.parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i)
    Variable(parameters[i].value).data().assign(stop->kept[i]);
}

lesson::Plot map_of(const char* title, const Network& network, const lesson::Points& points) {
  lesson::Plot map(title, "x", "y");
  for (const int moon : {0, 1}) {
    const lesson::Points half = points.of_moon(moon);
    map.points("moon " + std::to_string(moon) + ", training", half.x, half.y);
  }
  return map.ground([&](const std::vector<float>& x, const std::vector<float>& y) {
    const Tensor p =
        softmax(network.forward(Variable(lesson::Points{x, y, std::vector<std::int32_t>(x.size())}.inputs())))
            .data();
    std::vector<float> second;
    for (std::int64_t i = 0; i < p.size(0); ++i) second.push_back(p.data<float>()[2 * i + 1]);
    return second;
  });
}

int test() {
  const lesson::Points points = lesson::two_moons(260, 0.35f, 1);
  if (check_split(points) != 0 || check_stop() != 0) return 1;
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  const Split parts = split(points.count(), 200, random);
  const lesson::Points training = points.only(parts.training), validation = points.only(parts.validation);

  Run plain, decayed, stopped;
  train(plain, training, validation, /*decay=*/0, nullptr);
  train(decayed, training, validation, /*decay=*/2, nullptr);
  EarlyStop stop{.patience = 30};
  train(stopped, training, validation, /*decay=*/0, &stop);
  const auto accuracy = [&](const Network& network, const lesson::Points& of) {
    return lesson::accuracy_percent(network.forward(Variable(of.inputs())).data(), of.labels());
  };
  const auto tell = [&](const char* name, const Run& run, float loss) {
    std::printf("%-28s validation loss %.3f; right: %5.1f %% of the training points, %.1f %% of the others\n",
                name, loss, accuracy(run.network, training), accuracy(run.network, validation));
  };
  tell("300 epochs", plain, plain.validation.back());
  tell("300 epochs, weight decay", decayed, decayed.validation.back());
  tell(("stopped after epoch " + std::to_string(stopped.stopped)).c_str(), stopped, stop.best);

  lesson::Plot losses("Loss", "epoch", "cross-entropy (nats)");
  losses.line("training", plain.training)
      .line("validation", plain.validation)
      .line("validation, weight decay", decayed.validation);
  losses.mark(stop.best_epoch, "best").mark(stopped.stopped, "stop").logarithmic();
  lesson::write_picture("02_overfitting",
                        "Overfitting: losses of training and validation, and the boundaries",
                        {losses, map_of("After 300 epochs", plain.network, training),
                         map_of("The best epoch's", stopped.network, training)});
  if (!(stop.best < plain.validation.back() && decayed.validation.back() < plain.validation.back()))
    return lesson::not_yet("neither helps",
                           "look at the curves: is validation made of points that training has not seen?");
  return lesson::right("both help against learning by heart");
}

int main() {
  return lesson::run(test);
}
