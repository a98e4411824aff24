// Train 4, batch normalisation: a small convolutional network on images, and its two modes.
//
// A normalisation takes from each channel its mean and divides by its deviation. In training those are the batch's own, so that what
// an image becomes depends on the images beside it. That is no way to answer a question: a network that is asked about one image, or
// about ten of one class, has no fair batch. So it keeps a running average of both while it trains, and takes that in evaluation.
// Forget to change the mode and the answers depend on who asks beside you; and validation moves the averages with images that were to
// be unknown. Nothing crashes.
//
// Images are [N, height, width, channels], and logits [N, classes]: something in between must get rid of height and width.
// NoGrad no_history; keeps what follows in its block from being recorded for a way back.
// To do: the way forward, and the accuracy on images.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "engine/autograd/tape.h"
#include "engine/core/random.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/global_average_pool.h"
#include "engine/optim/optimizer.h"
#include "learn/curves.h"
#include "learn/training.h"
#include "models/layers.h"

using namespace tern;

constexpr int kClasses = lesson::kDrawnClasses;

struct Network {
  Initialiser initialiser{/*seed=*/1};
  Conv2d conv1{3, 16, Window{3, 1, 1}, /*with_bias=*/false, initialiser};  // 24 x 24
  BatchNorm2d norm1{16, initialiser};
  Conv2d conv2{16, 32, Window{3, 2, 1}, false, initialiser};  // 12 x 12
  BatchNorm2d norm2{32, initialiser};
  Conv2d conv3{32, 64, Window{3, 2, 1}, false, initialiser};  // 6 x 6
  BatchNorm2d norm3{64, initialiser};
  Linear last{64, kClasses, initialiser};

  Variable forward(const Variable& images);

  void set_training(bool training) {
    for (BatchNorm2d* norm : {&norm1, &norm2, &norm3}) norm->set_training(training);
  }
  std::vector<ParameterEntry> parameters() const;
};

// ---- your code
// images [N, 24, 24, 3] -> logits [N, kClasses].
Variable Network::forward(const Variable& images) {
  // Your code: three times norm.forward(conv.forward(x), /*relu=*/true); global_average_pool(x) is [N, channels]; last.forward.
  return {};
}

// The part of the images whose largest logit is the label's, in %: lesson::accuracy_percent(logits, set.targets()).
double accuracy(Network& network, const lesson::Images& set) {
  // Your code: evaluation mode, no history, and training mode again, since training goes on.
  return 0;
}
// ---- the test

std::vector<ParameterEntry> Network::parameters() const {
  std::vector<ParameterEntry> all;
  for (const Module* module :
       std::initializer_list<const Module*>{&conv1, &norm1, &conv2, &norm2, &conv3, &norm3, &last}) {
    for (const ParameterEntry& entry : module->parameters(std::to_string(all.size()) + "."))
      all.push_back(entry);
  }
  return all;
}

/// The running averages of all normalisations, shared with the network.
std::vector<Tensor> averages(const Network& network) {
  std::vector<Tensor> all;
  for (const BatchNorm2d* norm : {&network.norm1, &network.norm2, &network.norm3})
    all.insert(all.end(), {norm->state().running_mean, norm->state().running_variance});
  return all;
}

std::vector<std::vector<float>> values_of(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<float>> all;
  for (const Tensor& tensor : tensors) all.push_back(tensor.to_vector<float>());
  return all;
}

int check_forward(const lesson::Images& images) {
  Network network;
  const lesson::Images eight = images.only({0, 80, 160, 240, 320, 400, 480, 560});
  const Variable x(eight.pixels);
  const auto before = values_of(averages(network));
  Variable logits;
  try {
    logits = network.forward(x);
  } catch (const std::exception& error) {
    const std::string text = error.what();
    return lesson::not_yet("forward: " + text,
                           text.rfind("linear", 0) == 0
                               ? "a row for each image: global_average_pool makes [N, 64] of [N, 6, 6, 64]"
                               : "what one layer gives the next must take: 3 channels, 16, 32, 64");
  }
  if (!logits.defined())
    return lesson::not_yet("forward gives nothing",
                           "begin with norm1.forward(conv1.forward(images), /*relu=*/true)");
  if (logits.shape() != Shape{8, kClasses})
    return lesson::not_yet("of 8 images forward makes " + logits.shape().text() +
                               ", wanted [8, 4]: a row for each image, and a logit for "
                               "each class",
                           "[N, 6, 6, 64] -> global_average_pool -> [N, 64] -> last -> [N, 4]");
  const auto after = values_of(averages(network));
  for (std::size_t i = 0; i < after.size(); i += 2) {
    if (after[i] == before[i])
      return lesson::not_yet("norm" + std::to_string(i / 2 + 1) + " has seen no image",
                             "a normalisation after each convolution");
  }
  network.set_training(false);
  const auto is_affine = [&] {  // f(a) + f(b) = f(a + b) + f(0)
    const Variable a(eight.pixels.rows(0, 4)), b(eight.pixels.rows(4, 8));
    const Tensor sum =
        (network.forward(a) + network.forward(b) - network.forward(a + b) - network.forward(a - a)).data();
    const std::vector<float> values = sum.to_vector<float>();
    return std::all_of(values.begin(), values.end(), [](float value) { return std::abs(value) < 1e-3f; });
  };
  if (is_affine())
    return lesson::not_yet("the network is one linear function",
                           "without ReLU in between three layers are no more than one: relu = true");
  return 0;
}

void train_epoch(Network& network, Adam& adam, float rate, const lesson::Images& training,
                 RandomStream& random, std::vector<float>& losses) {
  constexpr std::int64_t kBatch = 32;
  std::vector<std::int64_t> order(static_cast<std::size_t>(training.count()));
  std::iota(order.begin(), order.end(), 0);
  random.shuffle(order);
  for (std::int64_t at = 0; at + kBatch <= training.count(); at += kBatch) {
    const lesson::Images batch = training.only({order.begin() + at, order.begin() + at + kBatch});
    const Variable loss = cross_entropy(network.forward(Variable(batch.pixels)), batch.targets());
    losses.push_back(loss.data().item());
    backward(loss);
    adam.step({.learning_rate = rate});
    adam.clear_gradients();
  }
}

/// With the statistics of batches, each of one class; the averages are put back.
double accuracy_in_training_mode(Network& network, const lesson::Images& set) {
  const NoGrad no_history;
  std::vector<Tensor> averages_now = averages(network), before;
  for (const Tensor& tensor : averages_now) before.push_back(tensor.clone());
  const std::int64_t of_each = set.count() / kClasses;
  double sum = 0;
  for (std::int64_t at = 0; at < set.count(); at += of_each) {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(of_each));
    std::iota(numbers.begin(), numbers.end(), at);
    const lesson::Images one_class = set.only(numbers);
    sum += lesson::accuracy_percent(network.forward(Variable(one_class.pixels)).data(), one_class.targets());
  }
  for (std::size_t i = 0; i < before.size(); ++i) averages_now[i].assign(before[i]);
  return sum / kClasses;
}

int check_accuracy(Network& network, const lesson::Images& set) {
  const auto before = values_of(averages(network));
  const double told = accuracy(network, set);
  if (values_of(averages(network)) != before)
    return lesson::not_yet("validation has moved the running averages: it ran in training mode",
                           "network.set_training(false) before the network is asked, true after it");
  if (!network.norm1.training())
    return lesson::not_yet(
        "after accuracy() the network is in evaluation mode, and would go on training in it",
        "network.set_training(true) before you return");
  network.set_training(false);
  const NoGrad no_history;
  const double wanted = lesson::accuracy_percent(network.forward(Variable(set.pixels)).data(), set.targets());
  network.set_training(true);
  if (std::abs(told - wanted) > 1e-6)
    return lesson::not_yet(
        "accuracy() says " + std::to_string(told) + " %, and it is " + std::to_string(wanted) + " %",
        "the network's logits of set.pixels, and lesson::accuracy_percent(logits.data(), set.targets())");
  return 0;
}

int test() {
  const lesson::Images training = lesson::drawn_images(160, 24, 1),
                       validation = lesson::drawn_images(40, 24, 2);
  if (check_forward(training) != 0) return 1;
  Network network;
  Adam adam({{.parameters = network.parameters()}});
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  std::vector<float> losses, fair, unfair;
  for (int epoch = 1; epoch <= 10; ++epoch) {
    train_epoch(network, adam, epoch <= 7 ? 3e-3f : 5e-4f, training, random, losses);
    if (epoch == 1 && check_accuracy(network, validation) != 0) return 1;
    fair.push_back(static_cast<float>(accuracy(network, validation)));
    unfair.push_back(static_cast<float>(accuracy_in_training_mode(network, validation)));
    std::printf(
        "epoch %2d  loss %.3f  validation: %5.1f %% right; asked class by class in training mode: %5.1f %%\n",
        epoch, losses.back(), fair.back(), unfair.back());
  }
  lesson::Plot loss("Loss", "step", "cross-entropy of a batch (nats)"),
      accuracies("Validation", "epoch", "images told right (%)");
  loss.line("training", losses, 1);
  accuracies.line("evaluation mode", fair, 1).line("training mode, class by class", unfair, 1).range(0, 101);
  lesson::write_picture("04_batch_norm", "Batch normalisation: the loss, and validation in both modes",
                        {loss, accuracies});
  if (fair.back() < 55 || unfair.back() > fair.back() - 15)
    return lesson::not_yet("the accuracies are not as they should be", "look at the curves");
  return lesson::right("in evaluation mode an answer depends on the image alone");
}

int main() {
  return lesson::run(test);
}
