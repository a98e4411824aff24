#include "engine/autograd/tape.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/relu.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

// y = factor x, counting how often its backward runs.
Variable scaled(const Variable& x, float factor, int* runs = nullptr) {
  Tensor y = Tensor::empty_like(x.data());
  affine(x.data(), factor, 0, y);
  return record("scaled", {x}, y, [factor, runs](const Tensor& dy) -> Grads {
    if (runs != nullptr) ++*runs;
    Tensor dx = Tensor::empty_like(dy);
    affine(dy, factor, 0, dx);
    return {dx};
  });
}

Variable leaf(float value, Device device = Device::cpu()) {
  return Variable(Tensor::full({1}, value).to(device), true);
}

}  // namespace

TEST_CASE("tape: a diamond runs each op once, after all of its consumers") {
  for (const Device device : test::devices()) {
    const Variable x = leaf(1, device);
    int runs = 0;
    const Variable shared = scaled(x, 2, &runs);
    // Paths of different lengths from the output to `shared`: 3 + 5 * 7 in all.
    const Variable y = add(scaled(shared, 3), scaled(scaled(shared, 5), 7));
    backward(y);
    CHECK(runs == 1);
    CHECK(x.grad().item() == 2 * (3 + 5 * 7));
  }
}

TEST_CASE("tape: diamonds in a row take linear, not exponential time") {
  const Variable x = leaf(1);
  int runs = 0;
  Variable y = x;
  for (int i = 0; i < 60; ++i) {
    y = scaled(y, 0.5f, &runs);
    y = add(y, y);
  }
  backward(y);
  CHECK(runs == 60);
  CHECK(x.grad().item() == 1);
}

TEST_CASE("tape: one input used twice, and an op handing one tensor to two inputs") {
  const Variable x = leaf(3), z = leaf(4);
  backward(add(add(x, z), x));
  CHECK(x.grad().item() == 2);
  CHECK(z.grad().item() == 1);
}

TEST_CASE("tape: shared gradients survive a backward that writes over its dy") {
  for (const Device device : test::devices()) {
    // add hands dy to both relus; each may reuse dy's memory only when it is the last to hold it.
    const Variable a(Tensor::from<float>({2}, std::vector<float>{-1, 2}).to(device), true);
    const Variable b(Tensor::from<float>({2}, std::vector<float>{3, -4}).to(device), true);
    backward(scaled(add(relu(a), relu(b)), 2), Tensor::full({2}, 1).to(device));
    CHECK(a.grad().to_vector<float>() == std::vector<float>{0, 2});
    CHECK(b.grad().to_vector<float>() == std::vector<float>{2, 0});
  }
}

TEST_CASE("tape: an op may add its gradient to the sum so far, where nobody else holds that") {
  for (const Device device : test::devices()) {
    bool had_sum = false;
    // y = 3 x
    const auto tripled = [&had_sum](const Variable& x) {
      Tensor y = Tensor::empty_like(x.data());
      affine(x.data(), 3, 0, y);
      return record("tripled", {x}, y, [&had_sum](const Tensor& dy, Grads& sums) -> Grads {
        Tensor dx = Tensor::empty_like(dy);
        affine(dy, 3, 0, dx);
        had_sum = sums[0].defined();
        if (!had_sum) return {dx};
        add(sums[0], dx, sums[0]);
        return {std::move(sums[0])};
      });
    };
    const auto gradient = [&](const std::function<Variable(const Variable&)>& of) {
      const Variable x = leaf(1, device);
      backward(of(scaled(x, 1)));
      return x.grad().item();
    };
    // What was made last goes back first.
    CHECK(gradient([&](const Variable& x) { return add(tripled(x), scaled(x, 2)); }) == 5);
    CHECK(had_sum);
    CHECK(gradient([&](const Variable& x) { return add(scaled(x, 2), tripled(x)); }) == 5);
    CHECK_FALSE(had_sum);
    CHECK(gradient([&](const Variable& x) { return add(tripled(x), x); }) == 4);  // x's gradient is dy itself
    CHECK_FALSE(had_sum);
    CHECK(gradient([&](const Variable& x) { return add(add(tripled(x), tripled(x)), scaled(x, 2)); }) == 8);
    CHECK(had_sum);
    const Variable x = leaf(1, device);  // a leaf's gradient is its owner's
    backward(add(tripled(x), scaled(x, 2)));
    CHECK(x.grad().item() == 5);
    CHECK_FALSE(had_sum);
  }
}

TEST_CASE("tape: leaves accumulate over backward calls until cleared, in the same memory") {
  for (const Device device : test::devices()) {
    Variable x = leaf(1, device);
    backward(scaled(x, 2));
    backward(scaled(x, 3));
    CHECK(x.grad().item() == 5);
    const Tensor kept = x.grad();
    CHECK(kept.item() == 5);
    x.clear_grad();
    CHECK_FALSE(x.grad().defined());
    backward(scaled(x, 7));
    CHECK(x.grad().item() == 7);
  }
}

TEST_CASE("tape: accumulating into a gradient someone else holds leaves theirs alone") {
  for (const Device device : test::devices()) {
    const Variable x = leaf(1, device);
    backward(scaled(x, 2));
    const Tensor held = x.grad();
    backward(scaled(x, 3));
    CHECK(held.item() == 2);
    CHECK(x.grad().item() == 5);
  }
}

TEST_CASE("tape: the given gradient is used and left alone") {
  const Variable x(Tensor::zeros({2, 3}), true);
  const Tensor dy = test::uniform({2, 3}, -1, 1, 1), before = dy.clone();
  backward(relu(add(x, Variable(Tensor::full({2, 3}, 1)))), dy);
  CHECK(test::same_bytes(dy, before));
  CHECK(test::same_bytes(x.grad(), before));
  // The output itself may be the leaf.
  const Variable direct = leaf(1);
  backward(direct);
  CHECK(direct.grad().item() == 1);
}

TEST_CASE("tape: inputs that want nothing are not gone into") {
  int runs = 0;
  const Variable x = leaf(1), constant(Tensor::full({1}, 2));
  const Variable frozen = scaled(constant, 3, &runs);
  backward(add(x, frozen));
  CHECK(runs == 0);
  CHECK_FALSE(constant.grad().defined());
}

TEST_CASE("tape: what an op saved is freed as soon as it has run") {
  const Variable x = leaf(1);
  const auto saved = std::make_shared<int>(0);
  long uses_seen_by_first = 0;
  const Variable first = record("first", {x}, Tensor::full({1}, 1), [&](const Tensor& dy) -> Grads {
    uses_seen_by_first = saved.use_count();
    return {dy};
  });
  const Variable second =
      record("second", {first}, Tensor::full({1}, 1), [saved](const Tensor& dy) -> Grads { return {dy}; });
  CHECK(saved.use_count() == 2);
  backward(second);
  CHECK(uses_seen_by_first == 1);  // the second op, which runs first, has let go already
}

TEST_CASE("tape: a chain far longer than the stack is deep") {
  const Variable x = leaf(1);
  Variable y = x;
  for (int i = 0; i < 100000; ++i) y = add(y, Variable(Tensor::full({1}, 0)));
  backward(y);
  CHECK(x.grad().item() == 1);
}

TEST_CASE("tape: a long history that nobody went back through is freed without recursion") {
  const Variable x = leaf(1);
  Variable y = x;
  for (int i = 0; i < 100000; ++i) y = add(y, Variable(Tensor::full({1}, 0)));
  const Variable half_way = y;
  for (int i = 0; i < 100000; ++i) y = add(y, Variable(Tensor::full({1}, 0)));
  y = Variable();
  backward(half_way);  // what something still holds stays whole
  CHECK(x.grad().item() == 1);
}

TEST_CASE("tape: errors") {
  const Variable x = leaf(1);
  const Variable y = scaled(x, 2);
  backward(y);
  CHECK_THROWS_WITH_AS(
      backward(y),
      "scaled: wanted a history to go back through, got one that an earlier backward() has freed", Error);
  CHECK_THROWS_WITH_AS(
      backward(Variable(Tensor::zeros({1}))),
      "backward: wanted a value that depends on one with requires_grad, got one that does not", Error);
  const Variable wide(Tensor::zeros({2}), true);
  CHECK_THROWS_WITH_AS(backward(wide), "backward: wanted one element, or a gradient to start from, got [2]",
                       Error);
  CHECK_THROWS_WITH_AS(backward(wide, Tensor::zeros({3})), "backward: wanted equal shapes, got [2] and [3]",
                       Error);
  const Variable misshapen =
      record("bad", {wide}, Tensor::zeros({2}), [](const Tensor&) -> Grads { return {Tensor::zeros({5})}; });
  CHECK_THROWS_AS(backward(misshapen, Tensor::zeros({2})), Error);
  const Variable short_of_one =
      record("bad", {wide}, Tensor::zeros({2}), [](const Tensor&) -> Grads { return {}; });
  CHECK_THROWS_WITH_AS(backward(short_of_one, Tensor::zeros({2})), "bad: wanted 1 input gradients, got 0",
                       Error);
  const Variable missing =
      record("bad", {wide}, Tensor::zeros({2}), [](const Tensor&) -> Grads { return {Tensor()}; });
  CHECK_THROWS_WITH_AS(backward(missing, Tensor::zeros({2})), "bad: wanted a gradient for input 0, got none",
                       Error);
}

TEST_CASE("tape: leaves are told of when their gradients are complete, the last layers' first") {
  const Variable first = leaf(2), second = leaf(3), unused = leaf(5);
  const Variable hidden = scaled(first, 2);
  const Variable y = add(add(hidden, second), scaled(hidden, 3));  // two ways to `first`
  std::vector<float> gradients;
  std::vector<const void*> leaves;
  backward(y, Tensor::full({1}, 1), [&](const Variable& ready) {
    leaves.push_back(ready.data().raw());
    gradients.push_back(ready.grad().item());
  });
  CHECK(leaves == std::vector<const void*>{second.data().raw(), first.data().raw()});
  CHECK(gradients == std::vector<float>{1, 2 * (1 + 3)});
}
