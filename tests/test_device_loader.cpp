#include "data/device_loader.h"

#include <doctest/doctest.h>

#include "engine/backend/elementwise.h"
#include "tests/support/small_dataset.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

/// Of the type of `got`.
Tensor rounded(const Tensor& images, const Tensor& got) {
  if (got.dtype() == DType::f32) return images;
  Tensor result = Tensor::empty(images.shape(), got.dtype());
  convert(images, result);
  return result;
}

void check_same_batches(Loader& wanted, DeviceLoader& got, DType type, int epoch) {
  wanted.start_epoch(epoch);
  got.start_epoch(epoch);
  Batch left, right;
  while (wanted.next(left)) {
    REQUIRE(got.next(right));
    CHECK_FALSE(right.images.device().is_cpu());
    CHECK(right.step == left.step);
    CHECK(right.indices == left.indices);
    CHECK(right.images.dtype() == type);
    CHECK(test::same_bytes(right.images, rounded(left.images, right.images)));
    for (const Level level : kLevels) CHECK(test::same_bytes(right.targets[level], left.targets[level]));
  }
  CHECK_FALSE(got.next(right));
}

}  // namespace

TEST_CASE("device_loader: the Loader's batches, bit by bit, resident or not") {
  const Dataset dataset = test::small_dataset(11, 12);
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
        for (const DType type : {DType::f32, DType::bf16}) {
          CAPTURE(transform.index());
          CAPTURE(images.defined());
          options.type = type;
          Loader wanted(dataset, test::all_of(dataset), options);
          DeviceLoader got(dataset, test::all_of(dataset), options, images, device);
          CHECK(got.batches() == 3);
          CHECK(got.images() == 11);
          check_same_batches(wanted, got, type, 1);
          got.start_epoch(2);  // given up after its first batch
          Batch batch;
          CHECK(got.next(batch));
          check_same_batches(wanted, got, type, 3);
        }
      }
    }
  }
}
