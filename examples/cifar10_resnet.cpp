// ResNet-18 learns ten classes of 32x32 images: made ones, or CIFAR-10's. Exits with 1 if it does not.
//   cifar10_resnet [--data FOLDER] [--device cpu|cuda] [--steps N]
//     --data   the folder of CIFAR-10's binary files, data_batch_1.bin to data_batch_5.bin and test_batch.bin
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <numeric>

#include "engine/autograd/tape.h"
#include "engine/core/random.h"
#include "engine/io/file.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/softmax.h"
#include "engine/optim/optimizer.h"
#include "engine/optim/schedule.h"
#include "models/heads.h"

using namespace tern;

constexpr int kClasses = 10, kSide = 32, kPixels = kSide * kSide, kRecord = 1 + 3 * kPixels;
constexpr std::size_t kBatch = 32;
constexpr const char* kUsage = "[--data FOLDER] [--device cpu|cuda] [--steps N]";
using Records = std::vector<std::byte>;  // as in the files: a label, then planes of red, green and blue bytes

// Class c has stripes at c * 18 degrees, their phase and contrast random, under noise.
Records make_records(int count, RandomStream& random) {
  Records records;
  for (int image = 0; image < count; ++image) {
    records.push_back(static_cast<std::byte>(image % kClasses));
    const float angle = static_cast<float>(image % kClasses) * 0.31416f, phase = random.uniform(0, 6.28f);
    const float contrast = random.uniform(30, 90);
    for (int i = 0; i < 3 * kPixels; ++i) {
      const auto x = static_cast<float>(i % kSide), y = static_cast<float>(i / kSide % kSide);
      const float stripe = std::sin(0.8f * (std::cos(angle) * x + std::sin(angle) * y) + phase);
      const float value = 128 + contrast * stripe + 10 * random.normal();
      records.push_back(static_cast<std::byte>(std::clamp(value, 0.f, 255.f)));
    }
  }
  return records;
}

Records read_records(const std::filesystem::path& file) {
  Records records = read_file(file);
  if (records.size() >= kBatch * kRecord && records.size() % kRecord == 0) return records;
  throw Error(file.string(), "32 or more records of 3073 bytes", std::to_string(records.size()) + " bytes");
}

// The images of these records, [N, side, side, 3] of -1 to 1, and their labels, [N] i32.
std::pair<Tensor, Tensor> make_batch(const Records& records, std::span<const std::int64_t> numbers) {
  std::vector<float> pixels;
  std::vector<std::int32_t> labels;
  for (const std::int64_t number : numbers) {
    const std::byte* const record = &records[number * kRecord];
    labels.push_back(std::to_integer<std::int32_t>(record[0]));
    for (int i = 0; i < 3 * kPixels; ++i) {  // a tensor has the colours of a pixel together
      const std::byte value = record[1 + i % 3 * kPixels + i / 3];
      pixels.push_back(std::to_integer<std::uint8_t>(value) / 127.5f - 1);
    }
  }
  const auto count = static_cast<std::int64_t>(numbers.size());
  return {Tensor::from({count, kSide, kSide, 3}, pixels), Tensor::from({count}, labels)};
}

std::vector<std::int64_t> indices_of(const Records& records) {
  std::vector<std::int64_t> indices(records.size() / kRecord);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

int whole_number(const std::string& option, const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 1) return number;
  throw Error(option, "a whole number from 1", text);
}

int main(int argc, char** argv) try {
  std::map<std::string, std::string> options = {{"--data", ""}, {"--device", "cpu"}, {"--steps", "40"}};
  for (int i = 1; i < argc; i += 2) {
    if (!options.contains(argv[i]) || i + 1 == argc) throw Error("usage", kUsage, argv[i]);
    options[argv[i]] = argv[i + 1];
  }
  const Device device = parse_device(options["--device"]);
  const std::filesystem::path folder = options["--data"];
  const int steps = whole_number("--steps", options["--steps"]);
  RandomStream random(/*seed=*/1, /*purpose=*/0);
  Records training = folder.empty() ? make_records(960, random) : Records();
  for (int i = 1; i <= 5 && !folder.empty(); ++i) {
    const Records more = read_records(folder / ("data_batch_" + std::to_string(i) + ".bin"));
    training.insert(training.end(), more.begin(), more.end());
  }
  const Records test = folder.empty() ? make_records(192, random) : read_records(folder / "test_batch.bin");

  Model model(ModelSpec::imagenet("resnet18", kClasses), Initialiser(/*seed=*/1, device));
  AdamW adam(make_parameter_groups(model.parameters(), /*weight_decay=*/0.01f, /*decay_exempt=*/true));
  const Schedule schedule = {Schedule::Kind::cosine, /*warmup_steps=*/steps / 20, /*total_steps=*/steps};
  std::vector<std::int64_t> order = indices_of(training);
  const int batches = static_cast<int>(order.size() / kBatch);  // an epoch's; the rest of the images waits
  for (int step = 0; step < steps; ++step) {
    if (step % batches == 0) random.shuffle(order);
    const auto [images, labels] = make_batch(training, {&order[step % batches * kBatch], kBatch});
    const Variable logits = model.forward(Variable(images.to(device))).front();
    const Variable loss = cross_entropy(logits, labels.to(device));
    backward(loss);
    adam.step({.learning_rate = 1e-3f * schedule_factor(schedule, step)});
    adam.clear_gradients();
    if (step % 10 == 9) std::printf("step %d  loss %.4f\n", step + 1, loss.data().item());
  }

  model.set_training(false);
  const std::vector<std::int64_t> all = indices_of(test);
  double correct = 0, confidence = 0;
  for (std::size_t at = 0; at < all.size(); at += kBatch) {
    const auto [images, labels] =
        make_batch(test, std::span(all).subspan(at, std::min(kBatch, all.size() - at)));
    const Variable probabilities = softmax(Variable(model.inference(images.to(device)).front()));
    const std::vector<float> values = probabilities.data().to_vector<float>();
    for (int image = 0; image < labels.numel(); ++image) {
      const float* const row = &values[image * kClasses];
      const float* const best = std::max_element(row, row + kClasses);
      if (best - row == labels.data<std::int32_t>()[image]) ++correct;
      confidence += *best;
    }
  }
  const double percent = 100.0 / static_cast<double>(all.size());
  std::printf("test: accuracy %.1f %%, mean confidence %.1f %%\n", percent * correct, percent * confidence);
  return percent * correct > 30 ? 0 : 1;  // chance is 10 %
} catch (const std::exception& error) {
  std::fprintf(stderr, "cifar10_resnet: %s\n", error.what());
  return 1;
}
