// The most probable class of each row, on every device.
#include <algorithm>
#include <cmath>

#include "engine/ops/top1.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

struct Top1 {
  std::vector<std::int32_t> best;
  std::vector<float> probability;
};

Top1 top1(const Tensor& logits) {
  Tensor best = Tensor::empty({logits.size(0)}, DType::i32, logits.device());
  Tensor probability = Tensor::empty({logits.size(0)}, DType::f32, logits.device());
  top1(logits, &best, &probability);
  return {best.to_vector<std::int32_t>(), probability.to_vector<float>()};
}

}  // namespace

TEST_CASE("top1: the largest logit and its softmax probability, at widths around a vector and a warp") {
  for (const Device device : test::devices()) {
    for (const std::int64_t classes : {1, 4, 7, 32, 88, 1000}) {
      CAPTURE(classes);
      const Tensor logits = test::uniform({9, classes}, -5, 5, 1, device);
      const reference::Array p = reference::softmax(test::array(logits));
      test::poison_free_memory(device);
      const Top1 got = top1(logits);
      for (std::int64_t r = 0; r < 9; ++r) {
        const double* row = p.values.data() + r * classes;
        const double* best = std::max_element(row, row + classes);
        CHECK(got.best[static_cast<std::size_t>(r)] == best - row);
        CHECK(got.probability[static_cast<std::size_t>(r)] == doctest::Approx(*best).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("top1: the first of equals; NaN wins; a result that is not wanted is left out") {
  for (const Device device : test::devices()) {
    const Tensor logits =
        Tensor::from({3, 3}, std::vector<float>{1, 2, 2, 5, NAN, 7, -INFINITY, 0, -INFINITY}).to(device);
    const Top1 got = top1(logits);
    CHECK(got.best == std::vector<std::int32_t>{1, 1, 1});
    CHECK(std::isnan(got.probability[1]));
    CHECK(got.probability[2] == 1);
    Tensor best = Tensor::zeros({3}, DType::i32, device);
    top1(logits, &best, nullptr);
    CHECK(best.to_vector<std::int32_t>() == got.best);
    Tensor probability = Tensor::zeros({3}, DType::f32, device);
    top1(logits, nullptr, &probability);
    CHECK(probability.to_vector<float>()[2] == 1);
  }
}
