#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/ops/hierarchical_kl.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"

using namespace tern;
using reference::Array;
using Options = HierarchicalKlOptions;
using Direction = Options::Direction;
using Detach = Options::Detach;
using Map = std::vector<std::int32_t>;

namespace {

// The study's hierarchy: 29 subclasses in each of three superclasses, and the novel one.
Map study_map(std::int32_t novel_super) {
  Map map;
  for (std::int32_t i = 0; i < 87; ++i) map.push_back(i % 3);
  map.push_back(novel_super);
  return map;
}

void check_settings(std::int64_t rows, std::int64_t supers, const Map& map, const Options& options,
                    Device device) {
  const bool forward = options.direction == Direction::head_to_implied;
  CAPTURE(rows);
  CAPTURE(supers);
  CAPTURE(map.size());
  CAPTURE(forward);
  CAPTURE(static_cast<int>(options.detach));
  CAPTURE(options.temperature);
  const auto subs = static_cast<std::int64_t>(map.size());
  test::check_gradients({.op =
                             [&](std::span<const Variable> in) {
                               return hierarchical_kl(in[0], in[1], test::integers(map, device), options);
                             },
                         .reference =
                             [&](std::span<const Array> in) {
                               return reference::hierarchical_kl(in[0], in[1], map, forward,
                                                                 static_cast<double>(options.temperature),
                                                                 options.scale_by_temperature_squared,
                                                                 static_cast<double>(options.epsilon));
                             },
                         .inputs = {test::uniform({rows, supers}, -4, 4, 1, device),
                                    test::uniform({rows, subs}, -4, 4, 2, device)},
                         .detached = {options.detaches_head(), options.detaches_implied()}});
}

}  // namespace

TEST_CASE("hierarchical_kl: every setting, all subclasses mapped and some left out") {
  const Map maps[] = {
      {0, 0, 1, 1, 1, 0, 2}, {0, 0, 1, 1, 1, 0, -1}, {2, -1, 0, 0}, study_map(3), study_map(-1)};
  for (const Device device : test::devices()) {
    for (const Map& map : maps) {
      const std::int64_t supers = map.size() == 88 ? 4 : 3;
      for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
        for (const Detach detach : {Detach::none, Detach::head, Detach::implied, Detach::both}) {
          check_settings(5, supers, map, {direction, detach, 1, false}, device);
        }
        check_settings(3, supers, map, {direction, Detach::none, 2, true}, device);
        check_settings(3, supers, map, {direction, Detach::none, 0.5f, false}, device);
        check_settings(3, supers, map, {direction, Detach::none, 1, true, 1e-2f}, device);
      }
    }
  }
}

TEST_CASE("hierarchical_kl: odd sizes: no rows, one superclass, one subclass each, many rows") {
  for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
    check_settings(0, 3, {0, 1, 2}, {direction}, Device::cpu());
    check_settings(2, 1, {0, 0}, {direction}, Device::cpu());
    check_settings(4, 3, {2, 0, 1}, {direction}, Device::cpu());
    check_settings(67, 4, study_map(3), {direction}, Device::cpu());
  }
}

TEST_CASE("hierarchical_kl: 0 where the heads agree, more where they do not") {
  // Two subclasses of one superclass with equal logits imply ln 2 more than the other's one.
  const float ln2 = std::log(2.0f);
  const Variable sub(Tensor::full({1, 3}, 0.5f));
  const Variable agrees(Tensor::from<float>({1, 2}, std::vector<float>{ln2, 0}));
  const Variable differs(Tensor::from<float>({1, 2}, std::vector<float>{0, ln2}));
  const Tensor map = test::integers({0, 0, 1});
  for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
    CHECK(std::fabs(hierarchical_kl(agrees, sub, map, {direction}).data().item()) < 1e-6f);
    CHECK(hierarchical_kl(differs, sub, map, {direction}).data().item() == doctest::Approx(std::log(2) / 3));
  }
}

TEST_CASE("hierarchical_kl: what is left out does not matter, however large") {
  const Map map{0, 0, 1, -1};
  const Tensor super = test::uniform({2, 3}, -1, 1, 1), sub = test::uniform({2, 4}, -1, 1, 2);
  Tensor other_super = super.clone(), other_sub = sub.clone();
  for (std::int64_t r = 0; r < 2; ++r) {
    other_super.data<float>()[r * 3 + 2] = 1000;
    other_sub.data<float>()[r * 4 + 3] = 1000;
  }
  for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
    const Variable a(super, true), b(sub, true), c(other_super, true), d(other_sub, true);
    const Variable loss = hierarchical_kl(a, b, test::integers(map), {direction});
    const Variable other = hierarchical_kl(c, d, test::integers(map), {direction});
    CHECK(test::same_bytes(loss.data(), other.data()));
    backward(loss);
    backward(other);
    CHECK(test::same_bytes(a.grad(), c.grad()));
    CHECK(test::same_bytes(b.grad(), d.grad()));
    CHECK(a.grad().to_vector<float>()[2] == 0);
    CHECK(b.grad().to_vector<float>()[3] == 0);
  }
}

TEST_CASE("hierarchical_kl: nothing mapped, saturated logits, NaN") {
  const Variable super(test::uniform({2, 3}, -1, 1, 1), true), sub(test::uniform({2, 2}, -1, 1, 2), true);
  const Variable loss = hierarchical_kl(super, sub, test::integers({-1, -1}));
  CHECK(loss.data().item() == 0);
  backward(loss);
  CHECK(test::same_bytes(super.grad(), Tensor::zeros({2, 3})));
  CHECK(test::same_bytes(sub.grad(), Tensor::zeros({2, 2})));

  // Certain of different superclasses: epsilon bounds the one direction, the logits the other.
  const Variable certain(Tensor::from<float>({1, 2}, std::vector<float>{500, -500}), true);
  const Variable contrary(Tensor::from<float>({1, 2}, std::vector<float>{-500, 500}), true);
  for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
    const Variable far = hierarchical_kl(certain, contrary, test::integers({0, 1}), {direction});
    CHECK(far.data().item() ==
          doctest::Approx(direction == Direction::head_to_implied ? -std::log(1e-8) : 1000));
    backward(far);
    for (const Variable& input : {certain, contrary}) {
      for (const float value : input.grad().to_vector<float>()) CHECK(std::isfinite(value));
    }
    const Variable wrong(Tensor::from<float>({1, 2}, std::vector<float>{NAN, 0}));
    CHECK(std::isnan(hierarchical_kl(wrong, contrary, test::integers({0, 1}), {direction}).data().item()));
    CHECK(std::isnan(hierarchical_kl(certain, wrong, test::integers({0, 1}), {direction}).data().item()));
  }
}

TEST_CASE("hierarchical_kl: PyTorch's results: both notebook versions, temperature, novel left out") {
  const auto goldens = test::read_goldens("ops.txt");
  int seen = 0;
  for (const auto& named : goldens) {
    const auto& name = named.first;
    const auto& golden = named.second;
    if (!name.starts_with("hierarchical_kl")) continue;
    CAPTURE(name);
    ++seen;
    const auto detach = static_cast<int>(golden.array("detach")[0]);
    Options options;
    options.direction =
        golden.array("forward")[0] > 0 ? Direction::head_to_implied : Direction::implied_to_head;
    options.detach = static_cast<Detach>(detach);
    options.temperature = static_cast<float>(golden.array("temperature")[0]);
    options.scale_by_temperature_squared = golden.array("squared")[0] > 0;
    const Variable super(golden.tensor("super"), true), sub(golden.tensor("sub"), true);
    const Tensor map = test::integers(golden.integers("map"));
    const Variable loss = hierarchical_kl(super, sub, map, options);
    CHECK_CLOSE(loss.data(), golden.array("y"), test::tolerance::kSum);
    backward(loss, golden.tensor("dy"));
    CHECK_CLOSE(super.grad(), golden.array("dsuper"), test::tolerance::kSum);
    CHECK_CLOSE(sub.grad(), golden.array("dsub"), test::tolerance::kSum);
  }
  CHECK(seen == 7);
}

TEST_CASE("hierarchical_kl: errors") {
  const Variable super(Tensor::zeros({2, 3})), sub(Tensor::zeros({2, 4}));
  const Tensor map = test::integers({0, 1, 2, -1});
  CHECK_THROWS_WITH_AS(hierarchical_kl(super, Variable(Tensor::zeros({3, 4})), map),
                       "hierarchical_kl: wanted child logits [2, 4], got [3, 4]", Error);
  CHECK_THROWS_WITH_AS(hierarchical_kl(super, sub, test::integers({0, 1})),
                       "hierarchical_kl: wanted parent_of [4], got [2]", Error);
  CHECK_THROWS_WITH_AS(hierarchical_kl(super, sub, test::integers({0, 1, 3, 0})),
                       "hierarchical_kl: wanted parents in -1..2, got 3 for child 2", Error);
  CHECK_THROWS_WITH_AS(hierarchical_kl(super, sub, test::integers({0, -2, 0, 0})),
                       "hierarchical_kl: wanted parents in -1..2, got -2 for child 1", Error);
  Options options;
  options.temperature = 0;
  CHECK_THROWS_WITH_AS(hierarchical_kl(super, sub, map, options),
                       doctest::Contains("hierarchical_kl: wanted temperature > 0, got 0"), Error);
  options = {};
  options.epsilon = -1;
  CHECK_THROWS_WITH_AS(hierarchical_kl(super, sub, map, options),
                       doctest::Contains("hierarchical_kl: wanted epsilon >= 0, got -1"), Error);
}
