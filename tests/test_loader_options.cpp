// The loader with everything that a training may ask of it: crops, RandAugment, erasing, mixing, soft targets and
// balanced classes. What each does is tested under its own name.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "data/device_loader.h"
#include "data/random_purpose.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "tests/support/small_dataset.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

/// Four superclasses and eight subclasses; the last of each is novel, and of every fourth image.
Dataset labelled_dataset(int count, int size = 8) {
  Dataset dataset = test::small_dataset(count, size);
  for (std::size_t i = 0; i < dataset.subclasses.size(); ++i) {
    const bool novel = dataset.is_extra[i] != 0;
    dataset.superclasses[i] = novel ? 3 : static_cast<std::int32_t>(i % 3);
    dataset.subclasses[i] = novel ? 7 : static_cast<std::int32_t>(i % 7);
  }
  dataset.classes.superclass_names = {"a", "b", "c", "novel"};
  dataset.classes.subclass_names = {"0", "1", "2", "3", "4", "5", "6", "novel"};
  return dataset;
}

LoaderOptions everything() {
  LoaderOptions options;
  options.batch_size = 5;
  options.shuffle = true;
  options.balanced = BalancedSampler{Level::sub, 7};
  TrainTransform transform;
  transform.remove_blur_cue = true;
  transform.crop = RandomResizedCrop{};
  transform.rand_augment = {.operations = 2, .magnitude = 9};
  transform.erasing = {.probability = 0.5f, .noise = true};
  options.transform = transform;
  options.mixup = {0.4f, 1};
  options.soft_targets = SoftTargets{
      .label_smoothing = 0.1f,
      .outlier_weight = 0.5f,
      .known = {.super = {1, 1, 1, 0}, .sub = {1, 1, 1, 1, 0, 1, 1, 0}},
  };
  return options;
}

std::vector<Batch> epoch_of(BatchSource& source, int epoch, std::int64_t first_step = 0) {
  std::vector<Batch> batches;
  source.start_epoch(epoch, first_step);
  for (Batch batch; source.next(batch);) batches.push_back(std::move(batch));
  return batches;
}

void check_same(const Batch& got, const Batch& wanted) {
  CHECK(got.step == wanted.step);
  CHECK(got.indices == wanted.indices);
  CHECK(test::same_bytes(got.images, wanted.images));
  for (const Level level : kLevels) CHECK(test::same_bytes(got.targets[level], wanted.targets[level]));
}

}  // namespace

TEST_CASE("loader_options: the same bytes for any number of threads, and from any step on") {
  const Dataset dataset = labelled_dataset(43);
  LoaderOptions options = everything();
  Loader alone(dataset, test::all_of(dataset), options);
  const std::vector<Batch> wanted = epoch_of(alone, 3);
  REQUIRE(wanted.size() == 9);
  for (const int threads : {0, 2, 7}) {
    options.threads = threads;
    Loader loader(dataset, test::all_of(dataset), options);
    const std::vector<Batch> got = epoch_of(loader, 3);
    REQUIRE(got.size() == 9);
    for (std::size_t i = 0; i < got.size(); ++i) check_same(got[i], wanted[i]);
    const std::vector<Batch> rest = epoch_of(loader, 3, 6);
    REQUIRE(rest.size() == 3);
    for (std::size_t i = 0; i < rest.size(); ++i) check_same(rest[i], wanted[6 + i]);
    CHECK_FALSE(test::same_bytes(epoch_of(loader, 4)[0].images, wanted[0].images));
  }
  options.seed = 43;
  Loader other(dataset, test::all_of(dataset), options);
  CHECK_FALSE(test::same_bytes(epoch_of(other, 3)[0].images, wanted[0].images));
}

TEST_CASE("loader_options: a batch is mixed by the numbers of its epoch and step, images and targets alike") {
  const Dataset dataset = labelled_dataset(28);
  LoaderOptions options = everything();
  Loader mixing(dataset, test::all_of(dataset), options);
  const Mixup mixup = options.mixup;
  options.mixup = {};
  Loader plain(dataset, test::all_of(dataset), options);
  int reversed = 0, cut = 0;
  for (int epoch = 0; epoch < 5; ++epoch) {
    const std::vector<Batch> got = epoch_of(mixing, epoch);
    std::vector<Batch> wanted = epoch_of(plain, epoch);
    for (std::size_t step = 0; step < got.size(); ++step) {
      Batch& batch = wanted[step];
      RandomStream random(options.seed, random_purpose::mix, static_cast<std::uint32_t>(epoch),
                          static_cast<std::uint32_t>(step));
      const DrawnMix mix = draw_mix(mixup, 8, random);
      const auto values = [](Tensor& x) {
        return std::span(x.data<float>(), static_cast<std::size_t>(x.numel()));
      };
      mix_images(values(batch.images), batch.size(), 8, mix);
      for (const Level level : kLevels) blend_rows(values(batch.targets[level]), batch.size(), mix.share);
      if (mix.share < 0.5f) {
        std::reverse(batch.indices.begin(), batch.indices.end());
        ++reversed;
      }
      cut += mix.cut ? 1 : 0;
      check_same(got[step], batch);
    }
  }
  CHECK(reversed > 0);
  CHECK(cut > 0);
}

TEST_CASE("loader_options: an image that comes again in an epoch is augmented otherwise") {
  const Dataset dataset = labelled_dataset(3);
  LoaderOptions options = everything();
  options.balanced = BalancedSampler{Level::sub, {}};
  options.mixup = {};
  options.batch_size = 1;
  Loader loader(dataset, test::all_of(dataset), options);
  int repeats = 0;
  for (int epoch = 0; epoch < 4; ++epoch) {
    std::map<std::int64_t, std::vector<Batch>> by_image;
    for (Batch& batch : epoch_of(loader, epoch)) by_image[batch.indices[0]].push_back(std::move(batch));
    for (const auto& [index, batches] : by_image) {
      for (std::size_t i = 1; i < batches.size(); ++i) {
        ++repeats;
        CHECK_FALSE(test::same_bytes(batches[0].images, batches[i].images));
      }
    }
  }
  CHECK(repeats > 0);
  const TrainTransform& transform = std::get<TrainTransform>(options.transform);
  const Augmentation first = draw_augmentation(transform, {42, 1, 5, false, 64, 0});
  const Augmentation second = draw_augmentation(transform, {42, 1, 5, false, 64, 1});
  CHECK(first.degrees != second.degrees);
}

TEST_CASE("loader_options: switching an augmentation on leaves what the others draw") {
  TrainTransform plain;
  plain.remove_blur_cue = true;
  const TrainTransform all = std::get<TrainTransform>(everything().transform);
  for (int i = 0; i < 50; ++i) {
    const Augmentation before = draw_augmentation(plain, {42, 1, i, false, 64});
    const Augmentation after = draw_augmentation(all, {42, 1, i, false, 64});
    CHECK(before.flip == after.flip);
    CHECK(before.degrees == after.degrees);
    CHECK(before.quality == after.quality);
    CHECK_FALSE(before.crop);
    CHECK(before.operations.empty());
    CHECK(after.crop);
    CHECK(after.operations.size() == 2);
    TrainTransform cropping = plain;
    cropping.crop = RandomResizedCrop{};
    CHECK(draw_augmentation(cropping, {42, 1, i, false, 64}).crop->left == after.crop->left);
  }
}

TEST_CASE("loader_options: a device gets the CPU's input where it cannot make it, in its own type") {
  const Dataset dataset = labelled_dataset(17, 12);
  for (const Device device : test::devices()) {
    if (device.is_cpu()) continue;
    const Tensor resident = resident_images(dataset, device);
    for (const DType type : {DType::f32, DType::bf16}) {
      LoaderOptions options = everything();
      options.type = type;
      Loader cpu(dataset, test::all_of(dataset), options);
      DeviceLoader loader(dataset, test::all_of(dataset), options, resident, device);
      loader.start_epoch(1);  // given up after its first batch
      Batch batch;
      CHECK(loader.next(batch));
      const std::vector<Batch> got = epoch_of(loader, 2), wanted = epoch_of(cpu, 2);
      REQUIRE(got.size() == wanted.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        Batch expected = wanted[i];
        if (type == DType::bf16) {
          Tensor rounded = Tensor::empty(expected.images.shape(), type);
          convert(expected.images, rounded);
          expected.images = rounded;
        }
        CHECK_FALSE(got[i].images.device().is_cpu());
        CHECK_FALSE(got[i].targets.sub.device().is_cpu());
        check_same(got[i], expected);
      }
    }
    LoaderOptions
        kernel;  // balanced classes and soft targets alone are left to the device's own augmentation
    kernel.shuffle = true;
    kernel.balanced = everything().balanced;
    kernel.soft_targets = everything().soft_targets;
    kernel.transform = TrainTransform{};
    CHECK_FALSE(needs_cpu(kernel));
    Loader cpu(dataset, test::all_of(dataset), kernel);
    DeviceLoader loader(dataset, test::all_of(dataset), kernel, resident, device);
    check_same(epoch_of(loader, 1)[0], epoch_of(cpu, 1)[0]);
  }
}

TEST_CASE("loader_options: refuses what does not go together") {
  const Dataset dataset = labelled_dataset(4);
  const auto error_of = [&](const LoaderOptions& options) {
    try {
      Loader loader(dataset, {0, 1}, options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  LoaderOptions options = everything();
  CHECK(error_of(options).empty());
  options.soft_targets = {};
  CHECK(error_of(options) == "loader: mixup: wanted soft targets, which can be mixed, got classes");
  options = everything();
  options.images = BatchImages::bytes;
  CHECK(error_of(options).starts_with("loader: transform: "));
  options = everything();
  options.shuffle = false;
  CHECK(error_of(options) == "loader: balanced: wanted shuffled images with labels, got others");
  options = everything();
  std::get<TrainTransform>(options.transform).crop = RandomResizedCrop{0.9f, 0.5f};
  CHECK(error_of(options).starts_with("transform: crop's lowest scale: "));
  std::get<TrainTransform>(options.transform) = TrainTransform{};
  std::get<TrainTransform>(options.transform).rand_augment = {.operations = 2, .magnitude = 31};
  CHECK(error_of(options).starts_with("transform: RandAugment's magnitude: "));
  std::get<TrainTransform>(options.transform) = TrainTransform{};
  std::get<TrainTransform>(options.transform).erasing = {.probability = 1.5f};
  CHECK(error_of(options).starts_with("transform: erasing's probability: "));
}
