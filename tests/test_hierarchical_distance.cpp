#include "engine/metrics/hierarchical_distance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"

using namespace tern;
using doctest::Contains;

namespace {

// The root 6 has children 4 and 5; 4 has 0, 1; 5 has 2; 2 has 3.
const std::vector<std::int32_t> kParents{4, 4, 5, 2, 6, 6, -1};

/// The way from a node to the root, both included.
std::vector<std::int32_t> way_up(const std::vector<std::int32_t>& parents, std::int32_t node) {
  std::vector<std::int32_t> way;
  for (; node >= 0; node = parents[static_cast<std::size_t>(node)]) way.push_back(node);
  return way;
}

/// Nodes on one of the two ways to the root, not on both.
std::int32_t naive_distance(const std::vector<std::int32_t>& parents, std::int32_t a, std::int32_t b) {
  const std::vector<std::int32_t> from_a = way_up(parents, a), from_b = way_up(parents, b);
  std::int32_t edges = 0;
  for (const std::int32_t node : from_a) edges += std::count(from_b.begin(), from_b.end(), node) == 0;
  for (const std::int32_t node : from_b) edges += std::count(from_a.begin(), from_a.end(), node) == 0;
  return edges;
}

}  // namespace

TEST_CASE("hierarchical_distance: edges of a tree drawn by hand") {
  const ClassTree tree(kParents);
  CHECK(tree.size() == 7);
  CHECK(tree.distance(0, 0) == 0);
  CHECK(tree.distance(6, 6) == 0);
  CHECK(tree.distance(0, 1) == 2);
  CHECK(tree.distance(0, 4) == 1);
  CHECK(tree.distance(4, 0) == 1);
  CHECK(tree.distance(0, 2) == 4);
  CHECK(tree.distance(0, 3) == 5);
  CHECK(tree.distance(3, 5) == 2);
  CHECK(tree.distance(3, 6) == 3);
  CHECK(tree.distance(4, 5) == 2);
  CHECK(ClassTree({-1}).distance(0, 0) == 0);
}

TEST_CASE("hierarchical_distance: random trees, by the ways to the root") {
  RandomStream random(6, random_purpose::test);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::int32_t> parents{-1};
    for (std::uint32_t node = 1; node < 40; ++node) {
      parents.push_back(static_cast<std::int32_t>(random.below(round < 10 ? node : std::min(node, 3u))));
    }
    // Named anew, so that parents come after their children, too.
    std::vector<std::int64_t> name(parents.size());
    for (std::size_t i = 0; i < name.size(); ++i) name[i] = static_cast<std::int64_t>(i);
    random.shuffle(name);
    std::vector<std::int32_t> renamed(parents.size());
    for (std::size_t i = 0; i < parents.size(); ++i) {
      renamed[static_cast<std::size_t>(name[i])] =
          parents[i] < 0 ? -1 : static_cast<std::int32_t>(name[static_cast<std::size_t>(parents[i])]);
    }
    const ClassTree tree(renamed);
    for (std::int32_t a = 0; a < tree.size(); ++a) {
      for (std::int32_t b = 0; b < tree.size(); ++b) {
        REQUIRE(tree.distance(a, b) == naive_distance(renamed, a, b));
      }
    }
  }
}

TEST_CASE("hierarchical_distance: a true node counts once, however many rows it has") {
  const ClassTree tree(kParents);
  const std::vector<std::int32_t> truth{0, 0, 0, 3, 6}, predictions{0, 1, 4, 2, 0};
  const HierarchicalDistance distance = hierarchical_distance(tree, truth, predictions);
  CHECK(distance.mean == doctest::Approx((0 + 2 + 1 + 1 + 2) / 5.0));
  CHECK(distance.balanced_mean == doctest::Approx((1.0 + 1 + 2) / 3));  // of 0: 1, of 3: 1, of 6: 2
  const HierarchicalDistance right = hierarchical_distance(tree, truth, truth);
  CHECK(right.mean == 0);
  CHECK(right.balanced_mean == 0);
}

TEST_CASE("hierarchical_distance: classes in groups under a root") {
  const std::vector<std::int32_t> group_of_class{0, 1, 0, -1};
  const ClassTree tree = two_level_tree(group_of_class, 2);
  REQUIRE(tree.size() == 7);
  const std::int32_t group0 = 4, group1 = 5, root = 6;
  CHECK(tree.distance(0, 2) == 2);
  CHECK(tree.distance(0, 1) == 4);
  CHECK(tree.distance(0, group0) == 1);
  CHECK(tree.distance(0, group1) == 3);
  CHECK(tree.distance(group0, group1) == 2);
  CHECK(tree.distance(1, root) == 2);
  CHECK(tree.distance(3, root) == 1);  // of no group
  CHECK(two_level_tree({}, 0).size() == 1);
}

TEST_CASE("hierarchical_distance: what is no tree, or no node") {
  CHECK_THROWS_WITH_AS(ClassTree({}), "class tree: wanted one node without a parent, got 0", Error);
  CHECK_THROWS_WITH_AS(ClassTree({-1, -1}), Contains("got 2"), Error);
  CHECK_THROWS_WITH_AS(ClassTree({-1, 7}), "class tree: wanted a node in 0..1, got 7", Error);
  CHECK_THROWS_WITH_AS(ClassTree({-1, 2, 1}), Contains("got a circle"), Error);
  CHECK_THROWS_AS(ClassTree({-1, 1}), Error);
  const ClassTree tree(kParents);
  CHECK_THROWS_AS(tree.distance(0, 7), Error);
  CHECK_THROWS_AS(tree.distance(-1, 0), Error);
  const std::vector<std::int32_t> one{0}, two{0, 1}, bad{9};
  CHECK_THROWS_WITH_AS(hierarchical_distance(tree, {}, {}), Contains("at least one row"), Error);
  CHECK_THROWS_WITH_AS(hierarchical_distance(tree, two, one), Contains("2 predictions, got 1"), Error);
  CHECK_THROWS_AS(hierarchical_distance(tree, one, bad), Error);
  CHECK_THROWS_AS(hierarchical_distance(tree, bad, one), Error);
}
