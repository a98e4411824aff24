#include "data/device_loader.h"

#include <doctest/doctest.h>

#include <numeric>

#include "engine/core/random.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

Dataset random_dataset(int count, int size) {
  Dataset dataset;
  dataset.image_size = size;
  RandomStream random(1, RandomPurpose::test);
  for (int i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < dataset.image_bytes(); ++k) {
      dataset.pixels.push_back(static_cast<std::uint8_t>(random.below(256)));
    }
    dataset.names.push_back(std::to_string(i));
    dataset.superclasses.push_back(i % 3);
    dataset.subclasses.push_back(i);
    dataset.is_extra.push_back(i % 4 == 0);
  }
  return dataset;
}

std::vector<std::int64_t> all_of(const Dataset& dataset) {
  std::vector<std::int64_t> indices(static_cast<std::size_t>(dataset.count()));
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

void check_same_batches(Loader& wanted, DeviceLoader& got, int epoch) {
  wanted.start_epoch(epoch);
  got.start_epoch(epoch);
  Batch left, right;
  while (wanted.next(left)) {
    REQUIRE(got.next(right));
    CHECK_FALSE(right.images.device().is_cpu());
    CHECK(right.step == left.step);
    CHECK(right.indices == left.indices);
    CHECK(test::same_bytes(right.images, left.images));
    CHECK(test::same_bytes(right.superclasses, left.superclasses));
    CHECK(test::same_bytes(right.subclasses, left.subclasses));
  }
  CHECK_FALSE(got.next(right));
}

}  // namespace

TEST_CASE("device_loader: the Loader's batches, bit by bit, resident or not") {
  const Dataset dataset = random_dataset(11, 12);
  TrainTransform softening;
  softening.remove_blur_cue = true;
  LoaderOptions options;
  options.batch_size = 4;
  options.shuffle = true;
  for (const Device device : test::devices()) {
    if (device.is_cpu()) continue;
    const Tensor resident = resident_images(dataset, device);
    REQUIRE(resident.defined());
    for (const Transform& transform :
         {Transform(EvaluationTransform{}), Transform(TrainTransform{}), Transform(softening)}) {
      options.transform = transform;
      for (const Tensor& images : {resident, Tensor()}) {
        CAPTURE(transform.index());
        CAPTURE(images.defined());
        Loader wanted(dataset, all_of(dataset), options);
        DeviceLoader got(dataset, all_of(dataset), options, images, device);
        CHECK(got.batches() == 3);
        CHECK(got.images() == 11);
        check_same_batches(wanted, got, 1);
        got.start_epoch(2);  // given up after its first batch
        Batch batch;
        CHECK(got.next(batch));
        check_same_batches(wanted, got, 3);
      }
    }
  }
}
