// Train 5, ResNet-18 on images: the whole loop. Batches in an order that is new in each epoch, images that are never twice the same,
// a schedule, AdamW, validation; apps/train is this with files, checkpoints and a GPU, examples/cifar10_resnet.cpp with one's own data.
//
// The network has eleven million parameters and 384 images to learn from. Augmentation makes more of them: what a mirrored or shifted
// image shows is still the same. Pixels are [height][width][colour], the three colours of a pixel together.
//
// The images are drawn. Ten classes of CIFAR-100, binary version, are taken instead if you say where it is, and how many steps you have
// time for (up to the end of an epoch):
//   learn/run 05_resnet -- cifar-100-binary 2000
// To do: the augmentation, and an epoch.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

#include "engine/autograd/tape.h"
#include "engine/core/random.h"
#include "engine/ops/cross_entropy.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "learn/curves.h"
#include "learn/training.h"
#include "models/heads.h"

using namespace tern;

/// Of a training so far.
struct Progress {
  Schedule schedule;
  int step = 0;
  std::vector<float> losses = {};  ///< of each step

  float rate() const { return 1e-3f * schedule_factor(schedule, step); }
};

/// The images of a batch; which were asked for is kept, so that the test can tell.
struct TrainingSet {
  lesson::Images images;
  std::vector<std::int64_t> asked = {};

  lesson::Images take(const std::vector<std::int64_t>& numbers) {
    asked.insert(asked.end(), numbers.begin(), numbers.end());
    return images.only(numbers);
  }
};

// ---- your code
// In place: mirrored, left to right, with probability one half, and shifted by `right` pixels, -3 to 3, drawn evenly. Where nothing
// comes from is 0. image: [side][side][3].
void augment(float* image, int side, RandomStream& random) {
  // Your code: random.chance(0.5f), random.below(7) - 3. A copy of a row to read from makes both easy.
}

// Every image once, in batches of 32 and a new order; a rest of less than 32 is left out.
void train_epoch(Model& model, Optimizer& optimizer, TrainingSet& set, RandomStream& random,
                 Progress& progress) {
  // Your code: training mode, model.set_training(true), for validation came before. For each batch: set.take(numbers); each of its images
  // augmented; model.forward(images).front() are the logits; the loss, its value to progress.losses; backward;
  // optimizer.step({.learning_rate = progress.rate()}); the gradients cleared; one step more.
}
// ---- the test

using Numbers = std::vector<std::int64_t>;

/// What augmentation may make of an image.
std::vector<float> changed(const std::vector<float>& image, int side, bool mirrored, int right) {
  std::vector<float> to(image.size());
  for (int row = 0; row < side; ++row) {
    for (int column = std::max(right, 0); column < std::min(side, side + right); ++column) {
      const int from = mirrored ? side - 1 - (column - right) : column - right;
      std::copy_n(&image[static_cast<std::size_t>((row * side + from) * 3)], 3,
                  &to[static_cast<std::size_t>((row * side + column) * 3)]);
    }
  }
  return to;
}

/// Why an image is none of those that augmentation may make. A value is 1000 row + 10 column + colour + 1 of where it was.
std::string hint_for(const std::vector<float>& got, int side) {
  bool swaps = true, has_zero = false;
  std::vector<float> values;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const int came = static_cast<int>(got[i]) - 1, row = static_cast<int>(i) / (3 * side),
              colour = static_cast<int>(i) % 3;
    has_zero = has_zero || came < 0;
    swaps = swaps && (came < 0 || (came / 1000 == row && came % 10 == 2 - colour));
    if (came >= 0) values.push_back(got[i]);
  }
  std::sort(values.begin(), values.end());
  const bool repeats = std::adjacent_find(values.begin(), values.end()) != values.end();
  if (swaps)
    return "red has become blue: a mirrored row has its pixels turned round, the three colours of each as "
           "they were";
  if (repeats)
    return "some pixels are there twice: they were read after they had been written. Read from a copy of the "
           "row";
  if (!has_zero)
    return "what leaves on one side comes in on the other, or from the next row: where no pixel of this row "
           "comes from there is 0";
  return "the pixel that goes to `column` comes from column - right of the same row, if there is such a "
         "column; it has 3 values";
}

int check_augment() {
  constexpr int kSide = 8, kDraws = 420;
  std::vector<float> image;
  for (int row = 0; row < kSide; ++row) {
    for (int column = 0; column < kSide; ++column) {
      for (int colour = 0; colour < 3; ++colour)
        image.push_back(static_cast<float>(row * 1000 + column * 10 + colour + 1));
    }
  }
  std::array<int, 14> times{};
  for (int draw = 0; draw < kDraws; ++draw) {
    RandomStream random(/*seed=*/static_cast<std::uint64_t>(draw), /*purpose=*/0);
    std::vector<float> got = image;
    augment(got.data(), kSide, random);
    std::size_t kind = 0;
    while (kind < times.size() && got != changed(image, kSide, kind >= 7, static_cast<int>(kind % 7) - 3))
      ++kind;
    if (kind == times.size())
      return lesson::not_yet("an image is neither mirrored nor shifted by up to 3, but something else",
                             hint_for(got, kSide));
    ++times[kind];
  }
  const int mirrored = std::accumulate(times.begin() + 7, times.end(), 0);
  if (times[3] == kDraws)
    return lesson::not_yet("augment changes nothing",
                           "row by row: a copy of its 3 * side values, and from that the new ones");
  if (mirrored < kDraws / 3 || mirrored > kDraws * 2 / 3)
    return lesson::not_yet("of 420 images " + std::to_string(mirrored) + " were mirrored",
                           "random.chance(0.5f), drawn for each image");
  for (int right = -3; right <= 3; ++right) {
    const int count =
        times[static_cast<std::size_t>(right + 3)] + times[static_cast<std::size_t>(right + 10)];
    if (count < 30 || count > 100)
      return lesson::not_yet("of 420 images " + std::to_string(count) + " were shifted by " +
                                 std::to_string(right) + ", wanted about 60",
                             "static_cast<int>(random.below(7)) - 3 is -3 to 3, each as likely");
  }
  return 0;
}

std::vector<float> gradient_of(const Model& model) {
  const Tensor& gradient = model.parameters().front().value.grad();
  return gradient.defined() ? gradient.to_vector<float>() : std::vector<float>();
}

/// An epoch of two batches and six images more.
int check_steps(Model& model, AdamW& adam, const lesson::Images& images) {
  Numbers some(70);
  for (std::size_t i = 0; i < some.size(); ++i) some[i] = static_cast<std::int64_t>(i) * images.count() / 70;
  TrainingSet set{images.only(some)};
  const std::vector<float> before = set.images.pixels.to_vector<float>();
  RandomStream random(/*seed=*/1, /*purpose=*/0), shuffled = random;
  Progress progress{{.kind = Schedule::Kind::cosine, .total_steps = 100}};
  model.set_training(false);
  train_epoch(model, adam, set, random, progress);
  if (set.asked.empty())
    return lesson::not_yet("an epoch takes no images", "set.take(numbers) are the images of a batch");
  Numbers sorted = set.asked;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    return lesson::not_yet("image " + std::to_string(*twice) + " came twice in an epoch",
                           "each batch takes the next 32 of the order");
  if (set.asked.size() != 64)
    return lesson::not_yet(
        "of 70 images an epoch took " + std::to_string(set.asked.size()) + ", wanted 64: two batches of 32",
        "for (at = 0; at + 32 <= count; at += 32)");
  if (set.asked == sorted)
    return lesson::not_yet("the images come in the order in which they lie, class by class",
                           "random.shuffle(order), in each epoch");
  if (!model.training())
    return lesson::not_yet("it trains in evaluation mode, in which validation has left the model",
                           "model.set_training(true) comes first");
  if (adam.step_count() != 2)
    return lesson::not_yet(
        "after two batches the optimiser has taken " + std::to_string(adam.step_count()) + " steps",
        "backward(loss) for each batch, and optimizer.step({.learning_rate = progress.rate()})");
  if (progress.losses.size() != 2)
    return lesson::not_yet("of two batches " + std::to_string(progress.losses.size()) + " losses were kept",
                           "progress.losses.push_back(loss.data().item())");
  if (progress.step != 2)
    return lesson::not_yet("after two steps progress.step is " + std::to_string(progress.step),
                           "the schedule counts steps, not epochs: ++progress.step after each");
  if (set.images.pixels.to_vector<float>() != before)
    return lesson::not_yet("the training images themselves have been changed",
                           "augment the batch, not the set: changes would add up");
  Numbers order(70);
  shuffled.shuffle(order);
  if (shuffled.bits() == random.bits())
    return lesson::not_yet("the images of a batch come as they are",
                           "augment(first value of the image, side, random) for each image of the batch");
  return 0;
}

/// A step with a rate of 0, twice: the same gradient.
int check_clearing(Model& model, AdamW& adam, const lesson::Images& images) {
  Numbers some(32);
  for (std::size_t i = 0; i < some.size(); ++i) some[i] = static_cast<std::int64_t>(i) * images.count() / 32;
  std::vector<float> gradients[2];
  adam.clear_gradients();
  for (std::vector<float>& gradient : gradients) {
    TrainingSet set{images.only(some)};
    RandomStream random(/*seed=*/1, /*purpose=*/0);
    Progress progress{{.kind = Schedule::Kind::cosine, .total_steps = 1}, /*step=*/1, {}};
    train_epoch(model, adam, set, random, progress);
    gradient = gradient_of(model);
  }
  float first = 0, second = 0;
  for (std::size_t i = 0; i < gradients[0].size(); ++i) {
    first += std::abs(gradients[0][i]);
    second += std::abs(gradients[1][i]);
  }
  if (second > 1.5f * first)
    return lesson::not_yet("the same batch twice has twice the gradient",
                           "backward adds to what is there: optimizer.clear_gradients() after each step");
  return 0;
}

double accuracy(Model& model, const lesson::Images& set) {
  model.set_training(false);
  return lesson::accuracy_percent(model.inference(set.pixels).front(), set.targets());
}

struct Result {
  Progress progress;
  std::vector<float> accuracies;  ///< of validation, after each epoch
};

Result train(Model& model, AdamW& adam, TrainingSet training, const lesson::Images& validation, int steps) {
  Result result{{{Schedule::Kind::cosine, /*warmup_steps=*/steps / 10, /*total_steps=*/steps}}, {}};
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  while (result.progress.step < steps) {
    train_epoch(model, adam, training, random, result.progress);
    result.accuracies.push_back(static_cast<float>(accuracy(model, validation)));
    std::printf("epoch %2zu, step %4d  loss %.3f  validation: %.1f %% right\n", result.accuracies.size(),
                result.progress.step, result.progress.losses.back(), result.accuracies.back());
  }
  std::vector<float> rates;
  for (Progress at = result.progress; at.step-- > 0;) rates.insert(rates.begin(), at.rate() * 1000);
  lesson::Plot loss("Loss", "step", "cross-entropy of a batch (nats)"),
      accuracies("Validation", "epoch", "images told right (%)"),
      rate("Learning rate", "step", "thousandths");
  loss.line("training", result.progress.losses, 1);
  accuracies.line("evaluation mode", result.accuracies, 1).range(0, 101);
  rate.line("warm-up and cosine", rates, 1);
  lesson::write_picture("05_resnet", "ResNet-18: loss, accuracy and learning rate", {loss, accuracies, rate});
  return result;
}

Model make_model(int classes) {
  return Model(ModelSpec::imagenet("resnet18", classes), Initialiser(/*seed=*/1));
}

AdamW make_optimizer(const Model& model) {
  return AdamW(make_parameter_groups(model.parameters(), /*weight_decay=*/0.01f, /*decay_exempt=*/true));
}

int train_on_cifar(const char* folder, const char* steps) try {
  if (check_augment() != 0) return 1;
  Model model = make_model(lesson::kCifarClasses);
  AdamW adam = make_optimizer(model);
  train(model, adam, {lesson::cifar_images(folder, false)}, lesson::cifar_images(folder, true),
        std::max(std::atoi(steps), 1));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "05_resnet: %s\n", error.what());
  return 1;
}

int test() {
  if (check_augment() != 0) return 1;
  {
    const lesson::Images small = lesson::drawn_images(20, 16, 3);
    Model model = make_model(lesson::kDrawnClasses);
    AdamW adam = make_optimizer(model);
    if (check_steps(model, adam, small) != 0 || check_clearing(model, adam, small) != 0) return 1;
  }
  Model model = make_model(lesson::kDrawnClasses);
  AdamW adam = make_optimizer(model);
  const Result result =
      train(model, adam, {lesson::drawn_images(96, 32, 1)}, lesson::drawn_images(40, 32, 2), /*steps=*/60);
  if (result.accuracies.back() < 70) return lesson::not_yet("it tells too few images", "look at the curves");
  return lesson::right("what is left for apps/train are files, checkpoints and speed");
}

int main(int argc, char** argv) {
  return argc == 3 ? train_on_cifar(argv[1], argv[2]) : lesson::run(test, /*seconds=*/120);
}
