// Order, contents, threads, errors and memory of the loader.
#include "data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "engine/core/check.h"
#include "tests/support/small_dataset.h"

using namespace tern;

namespace {

struct Pass {
  std::vector<std::int64_t> indices, sizes;
  std::vector<float> pixels;
  std::vector<std::int32_t> subclasses;

  explicit Pass(Loader& loader) {
    Batch batch;
    while (loader.next(batch)) {
      CHECK(batch.images.shape() == Shape({batch.size(), 8, 8, 3}));
      if (!sizes.empty()) CHECK(batch.step == last_step + 1);
      last_step = batch.step;
      sizes.push_back(batch.size());
      indices.insert(indices.end(), batch.indices.begin(), batch.indices.end());
      const std::vector<float> images = batch.images.to_vector<float>();
      pixels.insert(pixels.end(), images.begin(), images.end());
      const std::vector<std::int32_t> labels = batch.targets.sub.to_vector<std::int32_t>();
      subclasses.insert(subclasses.end(), labels.begin(), labels.end());
    }
  }
  std::int64_t last_step = 0;
};

}  // namespace

TEST_CASE("loader: every image once, in order, the last batch ragged") {
  const Dataset dataset = test::small_dataset(10);
  for (const int threads : {0, 1, 3}) {
    Loader loader(dataset, {9, 3, 1, 7, 0, 2, 8}, {.batch_size = 3, .threads = threads});
    CHECK(loader.batches() == 3);
    Batch batch;
    CHECK_FALSE(loader.next(batch));  // no epoch yet
    loader.start_epoch(0);
    REQUIRE(loader.next(batch));
    CHECK(batch.targets.super.to_vector<std::int32_t>() == std::vector<std::int32_t>{0, 0, 1});
    std::vector<float> wanted(dataset.image_bytes());
    normalise(dataset.image(3), wanted);
    CHECK(batch.images.rows(1, 2).to_vector<float>() == wanted);
    loader.start_epoch(1);
    const Pass pass(loader);
    CHECK(pass.indices == std::vector<std::int64_t>{9, 3, 1, 7, 0, 2, 8});
    CHECK(pass.subclasses == std::vector<std::int32_t>{9, 3, 1, 7, 0, 2, 8});
    CHECK(pass.sizes == std::vector<std::int64_t>{3, 3, 1});
    CHECK_FALSE(loader.next(batch));
  }
  Loader dropping(dataset, test::all_of(dataset), {.batch_size = 4, .drop_last = true});
  dropping.start_epoch(0);
  CHECK(Pass(dropping).sizes == std::vector<std::int64_t>{4, 4});
  Loader nothing(dataset, {}, {});
  nothing.start_epoch(0);
  CHECK(Pass(nothing).sizes.empty());
}

TEST_CASE("loader: the same bytes for any number of threads, other ones each epoch and seed") {
  const Dataset dataset = test::small_dataset(57);
  const auto pass = [&dataset](int threads, int epoch, std::uint64_t seed) {
    LoaderOptions options{.batch_size = 5, .shuffle = true, .seed = seed, .threads = threads, .prefetch = 2};
    options.transform = TrainTransform{.remove_blur_cue = true};
    Loader loader(dataset, test::all_of(dataset), options);
    loader.start_epoch(epoch);
    return Pass(loader);
  };
  const Pass one = pass(1, 4, 42);
  CHECK(std::set(one.indices.begin(), one.indices.end()).size() == 57);
  CHECK_FALSE(std::is_sorted(one.indices.begin(), one.indices.end()));
  for (const int threads : {0, 2, 7}) {
    const Pass other = pass(threads, 4, 42);
    CHECK(other.indices == one.indices);
    CHECK(other.pixels == one.pixels);
    CHECK(other.subclasses == one.subclasses);
  }
  CHECK(pass(1, 5, 42).indices != one.indices);
  CHECK(pass(1, 4, 43).indices != one.indices);
}

TEST_CASE("loader: an epoch resumed at a batch goes on as the whole one did") {
  const Dataset dataset = test::small_dataset(30);
  LoaderOptions options{.batch_size = 4, .shuffle = true, .transform = TrainTransform{}, .threads = 2};
  Loader loader(dataset, test::all_of(dataset), options);
  loader.start_epoch(2);
  const Pass whole(loader);
  loader.start_epoch(2, 3);
  const Pass rest(loader);
  CHECK(rest.last_step == 7);
  CHECK(
      std::equal(rest.indices.begin(), rest.indices.end(), whole.indices.begin() + 12, whole.indices.end()));
  CHECK(std::equal(rest.pixels.begin(), rest.pixels.end(),
                   whole.pixels.begin() + 12 * static_cast<std::ptrdiff_t>(dataset.image_bytes()),
                   whole.pixels.end()));
  loader.start_epoch(2, 8);
  CHECK(Pass(loader).sizes.empty());
  CHECK_THROWS_AS(loader.start_epoch(2, 9), Error);
  CHECK_THROWS_AS(loader.start_epoch(-1), Error);
}

TEST_CASE("loader: range-for, unlabelled images") {
  Dataset dataset = test::small_dataset(9);
  dataset.superclasses.clear();
  dataset.subclasses.clear();
  Loader loader(dataset, test::all_of(dataset), {.batch_size = 2, .threads = 2});
  for (int round = 0; round < 2; ++round) {
    std::int64_t seen = 0;
    for (const Batch& batch : loader.epoch(round)) {
      CHECK_FALSE(batch.targets.super.defined());
      CHECK_FALSE(batch.targets.sub.defined());
      CHECK(batch.indices.front() == seen);
      seen += batch.size();
    }
    CHECK(seen == 9);
  }
}

TEST_CASE("loader: stops in the middle of an epoch, and begins another one") {
  const Dataset dataset = test::small_dataset(200);
  for (int round = 0; round < 20; ++round) {
    LoaderOptions options{.batch_size = 2, .shuffle = true, .transform = TrainTransform{}, .threads = 3};
    Loader loader(dataset, test::all_of(dataset), options);
    if (round % 4 == 0) continue;
    loader.start_epoch(0);
    Batch batch;
    for (int i = 0; i < round; ++i) REQUIRE(loader.next(batch));
    loader.start_epoch(1);
    REQUIRE(loader.next(batch));
    CHECK(batch.step == 0);
    if (round % 4 == 1) CHECK(Pass(loader).indices.size() == 198);
  }
}

TEST_CASE("loader: what a worker throws comes out of next(), at its batch") {
  const Dataset dataset = test::small_dataset(40);
  for (const int threads : {0, 1, 4}) {
    std::atomic<bool> broken{true};
    const CustomTransform transform = [&broken](std::span<const std::uint8_t>, int, std::int64_t index, int,
                                                std::span<float> to) {
      if (broken && index >= 13) throw Error("image " + std::to_string(index), "broken");
      std::fill(to.begin(), to.end(), static_cast<float>(index));
    };
    Loader loader(dataset, test::all_of(dataset),
                  {.batch_size = 4, .transform = transform, .threads = threads});
    loader.start_epoch(0);
    Batch batch;
    for (int i = 0; i < 3; ++i) REQUIRE(loader.next(batch));
    CHECK(batch.images.to_vector<float>().back() == 11.0f);
    CHECK_THROWS_WITH_AS(loader.next(batch), "image 13: broken", Error);
    CHECK_FALSE(loader.next(batch));  // the epoch is over
    broken = false;
    loader.start_epoch(1);
    CHECK(Pass(loader).indices.size() == 40);
  }
}

TEST_CASE("loader: a steady epoch takes no memory from the system") {
  const Dataset dataset = test::small_dataset(64);
  for (const int threads : {0, 2}) {
    LoaderOptions options{
        .batch_size = 4, .shuffle = true, .transform = TrainTransform{}, .threads = threads};
    options.prefetch = 3;
    Loader loader(dataset, test::all_of(dataset), options);
    Batch batch;
    const auto run = [&](int epoch) {
      loader.start_epoch(epoch);
      while (loader.next(batch)) continue;
    };
    // How many batches exist at once depends on timing, up to prefetch + 1: have that many blocks in the
    // cache.
    {
      std::vector<Tensor> held;
      for (int i = 0; i < 8; ++i) {
        held.push_back(Tensor::empty({4, 8, 8, 3}));
        held.push_back(Tensor::empty({4}, DType::i32));
        held.push_back(Tensor::empty({4}, DType::i32));
      }
    }
    const std::size_t before = allocator_statistics(Device::cpu()).system_allocations;
    for (int epoch = 0; epoch < 4; ++epoch) run(epoch);
    CHECK(allocator_statistics(Device::cpu()).system_allocations == before);
  }
}

TEST_CASE("loader: refuses what makes no sense") {
  Dataset dataset = test::small_dataset(4);
  CHECK_THROWS_WITH_AS(Loader(dataset, {0, 4}, {}), doctest::Contains("image index: wanted 0..3, got 4"),
                       Error);
  CHECK_THROWS_AS(Loader(dataset, {-1}, {}), Error);
  CHECK_THROWS_AS(Loader(dataset, {0}, {.batch_size = 0}), Error);
  CHECK_THROWS_AS(Loader(dataset, {0}, {.threads = -1}), Error);
  CHECK_THROWS_AS(Loader(dataset, {0}, {.threads = 100000}), Error);
  CHECK_THROWS_AS(Loader(dataset, {0}, {.prefetch = 0}), Error);
  CHECK_THROWS_AS(Loader(dataset, {0}, {.transform = TrainTransform{.rotation_degrees = -3}}), Error);
  dataset.subclasses.pop_back();
  CHECK_THROWS_AS(Loader(dataset, {0}, {}), Error);
  dataset.subclasses.push_back(1);
  dataset.pixels.pop_back();
  CHECK_THROWS_AS(Loader(dataset, {0}, {}), Error);
}

namespace {

/// A network's input made from a batch of bytes, as a device would: `images` of `batch` where they are its
/// own, else those of the dataset.
std::vector<float> finished(const Batch& batch, const Dataset& dataset, BatchImages kind) {
  std::vector<float> result(static_cast<std::size_t>(batch.size()) * dataset.image_bytes());
  Augmenter augmenter(dataset.image_size);
  std::span<float> to(result);
  const std::uint8_t* own = batch.images.data<std::uint8_t>();
  for (std::size_t i = 0; i < batch.indices.size(); ++i) {
    Augmentation left = batch.augmentations[i];
    std::span<const std::uint8_t> image = dataset.image(batch.indices[i]);
    if (kind == BatchImages::bytes || left.soften) {
      image = {own, dataset.image_bytes()};
      own += dataset.image_bytes();
    }
    left.soften = false;
    augmenter.run(image, left, to.first(dataset.image_bytes()));
    to = to.subspan(dataset.image_bytes());
  }
  return result;
}

}  // namespace

TEST_CASE("loader: batches of bytes leave to a device just what makes the input") {
  const Dataset dataset = test::small_dataset(13);
  TrainTransform transform;
  transform.remove_blur_cue = true;
  for (const Transform& used : {Transform(transform), Transform(EvaluationTransform{})}) {
    LoaderOptions options;
    options.batch_size = 5;
    options.transform = used;
    Loader input(dataset, test::all_of(dataset), options);
    std::size_t softened = 0;
    for (const BatchImages kind : {BatchImages::bytes, BatchImages::softened}) {
      options.images = kind;
      Loader bytes(dataset, test::all_of(dataset), options);
      input.start_epoch(1);
      bytes.start_epoch(1);
      Batch wanted, got;
      while (input.next(wanted)) {
        REQUIRE(bytes.next(got));
        CHECK(got.images.dtype() == DType::u8);
        if (kind == BatchImages::softened) softened += static_cast<std::size_t>(got.images.size(0));
        CHECK(finished(got, dataset, kind) == wanted.images.to_vector<float>());
        CHECK(got.targets.sub.to_vector<std::int32_t>() == wanted.targets.sub.to_vector<std::int32_t>());
      }
    }
    CHECK((softened > 0) == std::holds_alternative<TrainTransform>(used));
  }
  LoaderOptions options;
  options.transform = CustomTransform([](auto, int, std::int64_t, int, std::span<float>) {});
  options.images = BatchImages::bytes;
  CHECK_THROWS_WITH_AS(
      Loader(dataset, {}, options),
      "loader: transform: wanted mirroring, turning and softening alone for batches of bytes, got others",
      Error);
}
