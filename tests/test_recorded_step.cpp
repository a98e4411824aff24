#include "apps/common/recorded_step.h"

#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/relu.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

Batch batch_of(std::int64_t size, std::uint64_t seed, Device device) {
  Batch batch;
  batch.images = test::uniform({size, 3}, -1, 1, seed, device);
  batch.targets.super = test::integers(test::classes(size, 4, seed), device);
  batch.indices.resize(static_cast<std::size_t>(size));
  return batch;
}

}  // namespace

TEST_CASE("recorded_step: the same results as without, for full batches and others") {
  for (const Device device : test::devices()) {
    int calls = 0;
    const auto work = [&calls](const Batch& batch) {
      ++calls;
      StepOutputs outputs;
      outputs.logits = {relu(Variable(batch.images)).data()};
      outputs.answers = {batch.targets.super};
      return outputs;
    };
    RecordedStep step("step of a test", device, 4, work);
    std::uint64_t seed = 0;
    for (const std::int64_t size : {4, 4, 4, 2, 4, 3, 4}) {
      const Batch batch = batch_of(size, ++seed, device);
      const StepOutputs outputs = step(batch);
      CHECK(test::same_bytes(outputs.logits[0], relu(Variable(batch.images)).data()));
      CHECK(test::same_bytes(outputs.answers[0], batch.targets.super));
    }
    CHECK(calls > 0);
    CHECK(step.is_recorded() == !device.is_cpu());
  }
}

TEST_CASE("recorded_step: gradients are in their variables, whatever came before") {
  for (const Device device : test::devices()) {
    Variable weight(test::uniform({3}, -1, 1, 7, device), /*requires_grad=*/true);
    RecordedStep step("step of a test", device, 4,
                      [&weight](const Batch& batch) {
                        weight.clear_grad();
                        backward(relu(weight), batch.images.rows(0, 1).reshape({3}));
                        return StepOutputs();
                      },
                      {weight});
    std::uint64_t seed = 0;
    for (const std::int64_t size : {4, 4, 4, 2, 4, 4, 3, 4}) {
      const Batch batch = batch_of(size, ++seed, device);
      step(batch);
      Variable alone(weight.data(), /*requires_grad=*/true);
      backward(relu(alone), batch.images.rows(0, 1).reshape({3}));
      CHECK(test::same_bytes(weight.grad(), alone.grad()));
    }
    CHECK(step.is_recorded() == !device.is_cpu());
  }
}

TEST_CASE("recorded_step: nothing is recorded where that is not wanted") {
  for (const Device device : test::devices()) {
    RecordedStep step(
        "step of a test", device, 2, [](const Batch&) { return StepOutputs(); },
        /*leaves=*/{},
        /*may_record=*/false);
    for (int i = 0; i < 3; ++i) step(batch_of(2, 1, device));
    CHECK_FALSE(step.is_recorded());
  }
}

TEST_CASE("recorded_step: what cannot be recorded is done all the same, and recording is tried once") {
  for (const Device device : test::devices()) {
    if (device.is_cpu()) continue;
    int attempts = 0;
    RecordedStep step("step of a test", device, 4, [&attempts, device](const Batch& batch) {
      ++attempts;
      const float first =
          batch.images.rows(0, 1).to_vector<float>()[0];  // the host cannot know while recording
      StepOutputs outputs;
      outputs.loss = Tensor::full({1}, first).to(device);
      return outputs;
    });
    for (std::uint64_t seed = 1; seed < 5; ++seed) {
      const Batch batch = batch_of(4, seed, device);
      CHECK(step(batch).loss.item() == batch.images.to_vector<float>()[0]);
      CHECK_FALSE(step.is_recorded());
    }
    CHECK(attempts == 5);  // 4 batches and one recording
  }
}
