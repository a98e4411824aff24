// The divergence between two heads of a hierarchy: the op on every device, then the kernel at every size,
// setting, alignment and type.
#include "engine/ops/hierarchical_kl.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/hierarchical_kl.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;
using reference::Array;
using Options = HierarchicalKlOptions;
using Direction = Options::Direction;
using Detach = Options::Detach;
using Map = std::vector<std::int32_t>;

namespace {

// 29 children in each of three parents, and one more, as of new classes.
Map large_map(std::int32_t last_parent) {
  Map map;
  for (std::int32_t i = 0; i < 87; ++i) map.push_back(i % 3);
  map.push_back(last_parent);
  return map;
}

void check_settings(std::int64_t rows, std::int64_t parents, const Map& map, const Options& options,
                    Device device) {
  const bool forward = options.direction == Direction::head_to_implied;
  CAPTURE(rows);
  CAPTURE(parents);
  CAPTURE(map.size());
  CAPTURE(forward);
  CAPTURE(static_cast<int>(options.detach));
  CAPTURE(options.temperature);
  const auto children = static_cast<std::int64_t>(map.size());
  const auto temperature = static_cast<double>(options.temperature);
  const reference::HierarchicalKlSettings settings{
      forward, temperature, options.scale_by_temperature_squared ? temperature * temperature : 1,
      static_cast<double>(options.epsilon)};
  check_gradients(
      {.op =
           [&](std::span<const Variable> in) {
             return hierarchical_kl(in[0], in[1], integers(map, device), options);
           },
       .reference =
           [&](std::span<const Array> in) { return reference::hierarchical_kl(in[0], in[1], map, settings); },
       .inputs = {uniform({rows, parents}, -4, 4, 1, device), uniform({rows, children}, -4, 4, 2, device)},
       .detached = {options.detaches_head(), options.detaches_implied()}});
}

}  // namespace

TEST_CASE("hierarchical_kl: every setting, all children mapped and some left out") {
  const Map maps[] = {
      {0, 0, 1, 1, 1, 0, 2}, {0, 0, 1, 1, 1, 0, -1}, {2, -1, 0, 0}, large_map(3), large_map(-1)};
  for (const Device device : devices()) {
    for (const Map& map : maps) {
      const std::int64_t parents = map.size() == 88 ? 4 : 3;
      for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
        for (const Detach detach : {Detach::none, Detach::head, Detach::implied, Detach::both}) {
          check_settings(5, parents, map, {direction, detach, 1, false}, device);
        }
        check_settings(3, parents, map, {direction, Detach::none, 2, true}, device);
        check_settings(3, parents, map, {direction, Detach::none, 0.5f, false}, device);
        check_settings(3, parents, map, {direction, Detach::none, 1, true, 1e-2f}, device);
      }
    }
  }
}

TEST_CASE("hierarchical_kl: odd sizes: no rows, one parent, one child each, many rows") {
  for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
    check_settings(0, 3, {0, 1, 2}, {direction}, Device::cpu());
    check_settings(2, 1, {0, 0}, {direction}, Device::cpu());
    check_settings(4, 3, {2, 0, 1}, {direction}, Device::cpu());
    check_settings(67, 4, large_map(3), {direction}, Device::cpu());
  }
}

TEST_CASE("hierarchical_kl: 0 where the heads agree, more where they do not") {
  // Two children of one parent with equal logits imply ln 2 more than the other's one.
  const float ln2 = std::log(2.0f);
  const Variable child(Tensor::full({1, 3}, 0.5f));
  const Variable agrees(Tensor::from<float>({1, 2}, std::vector<float>{ln2, 0}));
  const Variable differs(Tensor::from<float>({1, 2}, std::vector<float>{0, ln2}));
  const Tensor map = integers({0, 0, 1});
  for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
    CHECK(std::fabs(hierarchical_kl(agrees, child, map, {direction}).data().item()) < 1e-6f);
    CHECK(hierarchical_kl(differs, child, map, {direction}).data().item() ==
          doctest::Approx(std::log(2) / 3));
  }
}

TEST_CASE("hierarchical_kl: what is left out does not matter, however large") {
  const Map map{0, 0, 1, -1};
  const Tensor parent = uniform({2, 3}, -1, 1, 1), child = uniform({2, 4}, -1, 1, 2);
  Tensor other_parent = parent.clone(), other_child = child.clone();
  for (std::int64_t r = 0; r < 2; ++r) {
    other_parent.data<float>()[r * 3 + 2] = 1000;
    other_child.data<float>()[r * 4 + 3] = 1000;
  }
  for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
    const Variable a(parent, true), b(child, true), c(other_parent, true), d(other_child, true);
    const Variable loss = hierarchical_kl(a, b, integers(map), {direction});
    const Variable other = hierarchical_kl(c, d, integers(map), {direction});
    CHECK(same_bytes(loss.data(), other.data()));
    backward(loss);
    backward(other);
    CHECK(same_bytes(a.grad(), c.grad()));
    CHECK(same_bytes(b.grad(), d.grad()));
    CHECK(a.grad().to_vector<float>()[2] == 0);
    CHECK(b.grad().to_vector<float>()[3] == 0);
  }
}

TEST_CASE("hierarchical_kl: nothing mapped, saturated logits, NaN") {
  const Variable parent(uniform({2, 3}, -1, 1, 1), true), child(uniform({2, 2}, -1, 1, 2), true);
  const Variable loss = hierarchical_kl(parent, child, integers({-1, -1}));
  CHECK(loss.data().item() == 0);
  backward(loss);
  CHECK(same_bytes(parent.grad(), Tensor::zeros({2, 3})));
  CHECK(same_bytes(child.grad(), Tensor::zeros({2, 2})));

  // Certain of different parents: epsilon bounds the one direction, the logits the other.
  const Variable certain(Tensor::from<float>({1, 2}, std::vector<float>{500, -500}), true);
  const Variable contrary(Tensor::from<float>({1, 2}, std::vector<float>{-500, 500}), true);
  for (const Direction direction : {Direction::implied_to_head, Direction::head_to_implied}) {
    const Variable far = hierarchical_kl(certain, contrary, integers({0, 1}), {direction});
    CHECK(far.data().item() ==
          doctest::Approx(direction == Direction::head_to_implied ? -std::log(1e-8) : 1000));
    backward(far);
    for (const Variable& input : {certain, contrary}) {
      for (const float value : input.grad().to_vector<float>()) CHECK(std::isfinite(value));
    }
    const Variable wrong(Tensor::from<float>({1, 2}, std::vector<float>{NAN, 0}));
    CHECK(std::isnan(hierarchical_kl(wrong, contrary, integers({0, 1}), {direction}).data().item()));
    CHECK(std::isnan(hierarchical_kl(certain, wrong, integers({0, 1}), {direction}).data().item()));
  }
}

TEST_CASE("hierarchical_kl: PyTorch's results: both directions, temperature, a child left out") {
  const auto goldens = read_goldens("ops.txt");
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
    const Variable parent(golden.tensor("parent"), true), child(golden.tensor("child"), true);
    const Tensor map = integers(golden.integers("parent_of"));
    const Variable loss = hierarchical_kl(parent, child, map, options);
    CHECK_CLOSE(loss.data(), golden.array("y"), tolerance::kSum);
    backward(loss, golden.tensor("dy"));
    CHECK_CLOSE(parent.grad(), golden.array("dparent"), tolerance::kSum);
    CHECK_CLOSE(child.grad(), golden.array("dchild"), tolerance::kSum);
  }
  CHECK(seen == 7);
}

TEST_CASE("hierarchical_kl: errors") {
  const Variable parent(Tensor::zeros({2, 3})), child(Tensor::zeros({2, 4}));
  const Tensor map = integers({0, 1, 2, -1});
  CHECK_THROWS_WITH_AS(hierarchical_kl(parent, Variable(Tensor::zeros({3, 4})), map),
                       "hierarchical_kl: wanted child logits [2, 4], got [3, 4]", Error);
  CHECK_THROWS_WITH_AS(hierarchical_kl(parent, child, integers({0, 1})),
                       "hierarchical_kl: wanted parent_of [4], got [2]", Error);
  CHECK_THROWS_WITH_AS(hierarchical_kl(parent, child, integers({0, 1, 3, 0})),
                       "hierarchical_kl: wanted parents in -1..2, got 3 for child 2", Error);
  CHECK_THROWS_WITH_AS(hierarchical_kl(parent, child, integers({0, -2, 0, 0})),
                       "hierarchical_kl: wanted parents in -1..2, got -2 for child 1", Error);
  Options options;
  options.temperature = 0;
  CHECK_THROWS_WITH_AS(hierarchical_kl(parent, child, map, options),
                       doctest::Contains("hierarchical_kl: wanted temperature > 0, got 0"), Error);
  options = {};
  options.epsilon = -1;
  CHECK_THROWS_WITH_AS(hierarchical_kl(parent, child, map, options),
                       doctest::Contains("hierarchical_kl: wanted epsilon >= 0, got -1"), Error);
}

namespace {

using Settings = kernels::HierarchicalKlSettings;
struct Sizes {
  std::int64_t rows, parents, children;
};

// 4 parents of 88 children; around a warp's batch of 128 children, its max of parents (64) and of children
// (256); a block.
constexpr Sizes kKernelSizes[] = {{0, 4, 88},   {1, 1, 1},      {9, 4, 88},   {5, 3, 10},      {4, 4, 127},
                                  {5, 31, 129}, {3, 33, 40},    {3, 64, 256}, {3, 65, 100},    {2, 4, 257},
                                  {2, 20, 100}, {3, 200, 1000}, {2, 7, 2049}, {1, 1024, 1500}, {1, 300, 20}};

template <typename T>
struct Outputs {
  std::vector<float> loss;
  std::vector<T> dparent, dchild;
};

/// Runs the kernel, checks that it is one launch and that the workspace is ready for another.
template <typename T>
Outputs<T> run(const std::vector<T>& head, const std::vector<T>& child, const Map& map, const Sizes& sizes,
               const Settings& settings, std::size_t shift = 0) {
  const DeviceArray<T> parent_logits(head, shift), child_logits(child, shift);
  const DeviceArray<std::int32_t> parent_of(map, shift);
  DeviceArray<unsigned char> workspace(
      std::vector<unsigned char>(kernels::hierarchical_kl_workspace_bytes(sizes.rows), 0));
  DeviceArray<float> loss(1);
  DeviceArray<T> dparent(head.size(), shift), dchild(child.size(), shift);
  const std::int64_t before = launch_count();
  for (int call = 0; call < 2; ++call) {
    kernels::hierarchical_kl(parent_logits.data(), child_logits.data(), parent_of.data(), settings,
                             loss.data(), dparent.data(), dchild.data(), workspace.data(), sizes.rows,
                             sizes.parents, sizes.children, nullptr);
  }
  if (is_emulated()) CHECK(launch_count() == before + 2);
  return {loss.values(), dparent.values(), dchild.values()};
}

template <typename T>
void check_kernel(const std::vector<T>& head, const std::vector<T>& child, const Map& map, const Sizes& sizes,
                  const Settings& settings, std::size_t shift = 0) {
  CAPTURE(sizes.rows);
  CAPTURE(sizes.parents);
  CAPTURE(sizes.children);
  CAPTURE(shift);
  CAPTURE(settings.head_to_implied);
  CAPTURE(settings.temperature);
  CAPTURE(settings.epsilon);
  const Array parent = array({sizes.rows, sizes.parents}, head);
  const Array children = array({sizes.rows, sizes.children}, child);
  const reference::HierarchicalKlSettings of_reference{
      settings.head_to_implied, static_cast<double>(settings.temperature),
      static_cast<double>(settings.factor), static_cast<double>(settings.epsilon)};
  const auto wanted = reference::hierarchical_kl_gradients(parent, children, map, of_reference);
  const Outputs<T> got = run(head, child, map, sizes, settings, shift);
  // The divergence is a small difference of sums near 1.
  CHECK(relative_error(got.loss, reference::hierarchical_kl(parent, children, map, of_reference)) <= 2e-5);
  CHECK(relative_error(got.dparent, settings.detach_head ? Array(parent.shape) : wanted.dparent) <=
        unit<T>() + 5e-6);
  CHECK(relative_error(got.dchild, settings.detach_implied ? Array(children.shape) : wanted.dchild) <=
        unit<T>() + 5e-6);
}

template <typename T>
std::vector<T> logits(std::int64_t rows, std::int64_t cols, float bound, std::uint64_t seed) {
  return uniform<T>(static_cast<std::size_t>(rows * cols), -bound, bound, seed);
}

/// Every parent may be met, one child in `left_out` is not mapped.
Map random_map(const Sizes& sizes, int left_out) {
  Map map = classes(static_cast<std::size_t>(sizes.children), static_cast<std::int32_t>(sizes.parents), 7);
  for (std::size_t i = 0; left_out > 0 && i < map.size(); ++i) {
    if (static_cast<int>(i) % left_out == left_out - 1) map[i] = -1;
  }
  return map;
}

std::vector<Settings> all_settings() {
  std::vector<Settings> result;
  for (const bool head_to_implied : {false, true}) {
    for (const float temperature : {1.0f, 2.5f}) {
      for (const float epsilon : {1e-8f, 0.0f, 1e-2f}) {
        result.push_back({head_to_implied, false, false, temperature, 1, epsilon});
        result.push_back({head_to_implied, true, false, temperature, temperature * temperature, epsilon});
        result.push_back({head_to_implied, false, true, temperature, temperature * temperature, epsilon});
        result.push_back({head_to_implied, true, true, temperature, 1, epsilon});
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE_TEMPLATE("hierarchical_kl kernel: every size, both directions", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Sizes& sizes : kKernelSizes) {
    const auto head = logits<T>(sizes.rows, sizes.parents, 4, 1),
               child = logits<T>(sizes.rows, sizes.children, 4, 2);
    for (const std::size_t shift : {0, 1}) {
      check_kernel(head, child, random_map(sizes, 0), sizes, {.temperature = 2, .factor = 4}, shift);
      check_kernel(head, child, random_map(sizes, 3), sizes, {.head_to_implied = true}, shift);
    }
  }
}

TEST_CASE_TEMPLATE("hierarchical_kl kernel: every setting, for a warp and for a block", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Sizes& sizes : {Sizes{6, 4, 88}, Sizes{2, 70, 300}}) {
    const auto head = logits<T>(sizes.rows, sizes.parents, 4, 1),
               child = logits<T>(sizes.rows, sizes.children, 4, 2);
    for (const Settings& settings : all_settings()) {
      check_kernel(head, child, random_map(sizes, 0), sizes, settings);
      check_kernel(head, child, random_map(sizes, 2), sizes, settings);
    }
  }
}

TEST_CASE("hierarchical_kl kernel: probabilities beyond f32") {
  if (!device_is_there()) return;
  for (const std::int64_t parents : {4, 70}) {
    const Sizes sizes{3, parents, 4 * parents};
    for (const float bound : {30.0f, 100.0f, 300.0f}) {
      CAPTURE(bound);
      const auto head = logits<float>(sizes.rows, sizes.parents, bound, 1);
      const auto child = logits<float>(sizes.rows, sizes.children, bound, 2);
      Map map(static_cast<std::size_t>(sizes.children));
      for (std::size_t i = 0; i < map.size(); ++i) map[i] = static_cast<std::int32_t>(i) / 4;
      check_kernel(head, child, map, sizes, {});
      check_kernel(head, child, map, sizes, {.head_to_implied = true});
      if (bound < 300) check_kernel(head, child, map, sizes, {.head_to_implied = true, .epsilon = 0});
    }
  }
}

TEST_CASE("hierarchical_kl kernel: infinite and NaN logits stay in their row, and out of it where left out") {
  if (!device_is_there()) return;
  for (const std::int64_t parents : {4, 70}) {
    const Sizes sizes{3, parents, 3 * parents};
    Map map(static_cast<std::size_t>(sizes.children));
    for (std::size_t i = 0; i < map.size(); ++i) map[i] = static_cast<std::int32_t>(i) / 3;
    map[6] = map[7] = map[8] = -1;  // parent 2 is met by none
    const auto head = logits<float>(sizes.rows, parents, 3, 1),
               child = logits<float>(sizes.rows, sizes.children, 3, 2);
    const auto parent_count = static_cast<std::size_t>(parents), child_count = map.size();

    auto special_head = head, special_child = child;
    special_head[2] = NAN;
    special_child[6] = NAN;
    special_child[7] = INFINITY;
    special_child[9] = -INFINITY;                                                // one of parent 3's
    for (std::size_t i : {3, 4, 5}) special_child[child_count + i] = -INFINITY;  // all of parent 1's
    check_kernel(special_head, special_child, map, sizes, {});
    check_kernel(special_head, special_child, map, sizes, {.head_to_implied = true});

    for (const float special : {NAN, INFINITY}) {
      for (const bool in_head : {false, true}) {
        CAPTURE(special);
        CAPTURE(in_head);
        special_head = head, special_child = child;
        if (in_head) special_head[parent_count + 1] = special;
        if (!in_head) special_child[child_count + 4] = special;
        const Outputs<float> got = run(special_head, special_child, map, sizes, {});
        const Outputs<float> clean = run(head, child, map, sizes, {});
        CHECK(std::isnan(got.loss[0]));
        const std::vector<float> values = got.dchild, expected = clean.dchild;
        for (std::size_t i = 0; i < values.size(); ++i) {
          const bool spoilt = i / child_count == 1 && map[i % child_count] >= 0;
          if (spoilt != std::isnan(values[i]) || (!spoilt && values[i] != expected[i])) FAIL_CHECK(i);
        }
      }
    }
  }
}

TEST_CASE("hierarchical_kl kernel: no child maps anywhere, or outside") {
  if (!device_is_there()) return;
  for (const Sizes& sizes : {Sizes{5, 4, 20}, Sizes{2, 70, 300}}) {
    const auto head = logits<float>(sizes.rows, sizes.parents, 3, 1),
               child = logits<float>(sizes.rows, sizes.children, 3, 2);
    Map map(static_cast<std::size_t>(sizes.children), -1);
    map[0] = -7;
    map[1] = static_cast<std::int32_t>(sizes.parents);
    for (const bool head_to_implied : {false, true}) {
      const Outputs<float> got = run(head, child, map, sizes, {.head_to_implied = head_to_implied});
      CHECK(relative_error(got.loss, std::vector<double>{0}) <= 0);
      CHECK(relative_error(got.dparent, std::vector<double>(head.size(), 0)) <= 0);
      CHECK(relative_error(got.dchild, std::vector<double>(child.size(), 0)) <= 0);
    }
  }
}

TEST_CASE("hierarchical_kl kernel: too many classes are an error") {
  const auto call = [](std::int64_t parents, std::int64_t children) {
    kernels::hierarchical_kl<float>(nullptr, nullptr, nullptr, {}, nullptr, nullptr, nullptr, nullptr, 1,
                                    parents, children, nullptr);
  };
  CHECK_THROWS_WITH_AS(call(1025, 5),
                       "hierarchical_kl: wanted at most 1024 parents and 65535 children, got 1025 and 5",
                       Error);
  CHECK_THROWS_AS(call(5, 65536), Error);
}
