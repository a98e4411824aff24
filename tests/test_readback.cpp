#include "engine/tensor/readback.h"

#include "apps/common/step_results.h"
#include "engine/backend/elementwise.h"
#include "tests/support/files.h"
#include "tests/support/tensors.h"

using namespace tern;

TEST_CASE("readback: tensors of any type and size come as they were when it began, round after round") {
  for (const Device device : test::devices()) {
    TensorReadback readback(device);
    for (const std::int64_t size : {3, 100, 0, 1, 5000, 2}) {
      CAPTURE(size);
      const Tensor floats = test::uniform({size, 2}, -1, 1, 1, device);
      const Tensor numbers = test::integers(test::classes(size, 9, 2), device);
      const Tensor wanted_floats = floats.to(Device::cpu()).clone(),
                   wanted_numbers = numbers.to(Device::cpu()).clone();
      readback.begin({floats, numbers});
      CHECK(readback.begun());
      if (!device.is_cpu()) {  // the CPU keeps the tensors themselves
        Tensor over = floats;
        fill(7, over);
      }
      const std::vector<Tensor> got = readback.finish();
      REQUIRE(got.size() == 2);
      CHECK(got[0].device().is_cpu());
      CHECK(test::same_bytes(got[0], wanted_floats));
      CHECK(test::same_bytes(got[1], wanted_numbers));
      CHECK_FALSE(readback.begun());
    }
  }
}

TEST_CASE("readback: one at a time, and none that was not begun") {
  for (const Device device : test::devices()) {
    TensorReadback readback(device);
    CHECK(test::error_of([&] { readback.finish(); }) == "readback: wanted begin() before finish(), got none");
    const Tensor x = test::uniform({4}, -1, 1, 1, device);
    readback.begin({x});
    CHECK(test::error_of([&] { readback.begin({x}); }) ==
          "readback: wanted finish() before another begin(), got none");
    CHECK(test::same_bytes(readback.finish()[0], x));
    readback.begin({x});  // and nobody asks for it
  }
}

TEST_CASE("step results: each step's come with the next one, the last one's by themselves") {
  for (const Device device : test::devices()) {
    StepResults results(device);
    CHECK_FALSE(results.take_last());
    for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
      for (std::int64_t step = 0; step < 3; ++step) {
        Batch batch;
        batch.step = step;
        batch.indices = {10 * step, 10 * step + 1};
        StepOutputs outputs;
        outputs.loss = Tensor::full({1}, static_cast<float>(step)).to(device);
        outputs.answers = {test::integers({1, static_cast<std::int32_t>(step)}, device)};
        const auto before = results.exchange(batch, outputs);
        REQUIRE(before.has_value() == (step > 0));
        if (!before) continue;
        CHECK(before->step == step - 1);
        CHECK(before->images == std::vector<std::int64_t>{10 * (step - 1), 10 * (step - 1) + 1});
        CHECK(before->outputs.loss.item() == static_cast<float>(step - 1));
        CHECK(before->outputs.answers[0].to_vector<std::int32_t>()[1] == step - 1);
        CHECK(before->outputs.logits.empty());
      }
      const auto last = results.take_last();
      REQUIRE(last);
      CHECK(last->step == 2);
      CHECK(last->outputs.loss.item() == 2);
      CHECK_FALSE(results.take_last());
    }
  }
}
