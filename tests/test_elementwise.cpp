// The primitives that no op's test reaches from every side: aliasing, sizes around a thread's share, exact
// sums.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/backend/backend.h"
#include "engine/backend/elementwise.h"
#include "engine/core/parallel.h"
#include "engine/ops/bias.h"
#include "engine/ops/relu.h"
#include "engine/ops/sum.h"
#include "tests/support/tensors.h"

using namespace tern;
using reference::Array;
using test::array;

namespace {

const Shape kShapes[] = {{}, {0}, {1}, {17}, {32768}, {3, 32769}};

}  // namespace

TEST_CASE("elementwise: values, outputs that alias inputs") {
  for (const Device device : test::devices()) {
    for (const Shape& shape : kShapes) {
      CAPTURE(shape.text());
      const Tensor a = test::uniform(shape, -1, 1, 1, device), b = test::uniform(shape, -1, 1, 2, device);
      const Array sum = reference::add(array(a), array(b));
      test::poison_free_memory(device);
      Tensor y = Tensor::empty_like(a);
      add(a, b, y);
      CHECK_CLOSE(y, sum, test::tolerance::kElementwise);
      Tensor alias = a.clone();
      add(alias, b, alias);
      CHECK(test::same_bytes(alias, y));
      alias = b.clone();
      add(a, alias, alias);
      CHECK(test::same_bytes(alias, y));

      alias = a.clone();
      add_scaled(-0.5f, b, alias);
      Array wanted = array(a);
      const Array other = array(b);
      for (std::int64_t i = 0; i < wanted.size(); ++i) wanted[i] -= 0.5 * other[i];
      CHECK_CLOSE(alias, wanted, test::tolerance::kElementwise);

      alias = a.clone();
      relu_forward(alias, alias);
      CHECK_CLOSE(alias, reference::relu(array(a)), 0);
      fill(2.5f, alias);
      multiply(alias, 2, Tensor::full({1}, -3).to(device), alias);
      Array constant = array(a);
      for (double& value : constant.values) value = -15;
      CHECK_CLOSE(alias, constant, 0);
    }
  }
}

TEST_CASE("elementwise: relu_backward writes over dy") {
  const Tensor y = Tensor::from<float>({3}, std::vector<float>{0, 1, 2});
  Tensor dy = Tensor::from<float>({3}, std::vector<float>{5, 6, 7});
  relu_backward(y, dy, dy);
  CHECK(dy.to_vector<float>() == std::vector<float>{0, 6, 7});
}

TEST_CASE("elementwise: f32 and bf16 convert both ways, to nearest, ties to even") {
  // Between 1 and 1 + 2^-7 lies 1 + 2^-8, a tie that goes to 1; the next tie, 1 + 3 2^-8, goes up.
  const float step = 1.0f / 128;
  const std::vector<float> values{0,       1,        1 + step, 1 + step / 2, 1 + 3 * step / 2, 1 + step / 3,
                                  3.4e38f, -INFINITY};
  const std::vector<float> rounded{0, 1, 1 + step, 1, 1 + 2 * step, 1, INFINITY, -INFINITY};
  for (const Device device : test::devices()) {
    const Tensor x = Tensor::from({8}, values).to(device);
    Tensor half = Tensor::empty({8}, DType::bf16, device), back = Tensor::empty_like(x);
    convert(x, half);
    convert(half, back);
    CHECK(back.to_vector<float>() == rounded);
    Tensor same = Tensor::empty_like(half);
    convert(half, same);
    CHECK(test::same_bytes(same, half));
    const Tensor nan = Tensor::full({1}, NAN).to(device);
    Tensor half_nan = Tensor::empty({1}, DType::bf16, device), wide_nan = Tensor::empty_like(nan);
    convert(nan, half_nan);
    convert(half_nan, wide_nan);
    CHECK(std::isnan(wide_nan.item()));
  }
}

TEST_CASE("elementwise: rows added and summed") {
  for (const Device device : test::devices()) {
    for (const Shape& shape : {Shape{1, 1}, Shape{0, 5}, Shape{5, 0}, Shape{63, 17}, Shape{64, 3},
                               Shape{2049, 64}, Shape{2, 3, 5, 17}, Shape{7, 4096}}) {
      CAPTURE(shape.text());
      const Tensor x = test::uniform(shape, -1, 2, 1, device),
                   row = test::uniform({shape[-1]}, -1, 1, 2, device);
      test::poison_free_memory(device);
      Tensor sum = Tensor::empty_like(row);
      sum_rows(x, sum);
      CHECK_CLOSE(sum, reference::sum_rows(array(x)), test::tolerance::kElementwise);
      Tensor y = x.clone();
      add_bias(row, y);
      Array wanted = array(x);
      const Array added = array(row);
      for (std::int64_t i = 0; i < wanted.size(); ++i) wanted[i] += added[i % shape[-1]];
      CHECK_CLOSE(y, wanted, test::tolerance::kElementwise);
    }
  }
}

TEST_CASE("elementwise: long sums keep their digits, whatever the number of threads") {
  const Tensor x = Tensor::full({1 << 20, 3}, 0.1f);
  Tensor one = Tensor::empty({3}), two = Tensor::empty({3});
  const int threads = thread_count();
  set_thread_count(1);
  sum_rows(x, one);
  set_thread_count(2);
  sum_rows(x, two);
  set_thread_count(threads);
  CHECK(test::same_bytes(one, two));
  Array wanted({3});
  for (double& value : wanted.values) value = static_cast<double>(0.1f) * (1 << 20);
  CHECK_CLOSE(one, wanted, test::tolerance::kElementwise);
}
