// How often the images of an epoch are drawn.
#include "data/balanced_sampler.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "data/random_purpose.h"

using namespace tern;

namespace {

struct Labelled {
  std::vector<std::int64_t> indices;
  std::vector<std::int32_t> labels;

  /// Every second image of the dataset is one of the epoch's.
  void add(std::int32_t label, int images) {
    for (int i = 0; i < images; ++i) {
      indices.push_back(static_cast<std::int64_t>(labels.size()));
      labels.insert(labels.end(), {label, 99});
    }
  }
};

Labelled unequal_classes() {
  Labelled all;
  all.add(3, 10);
  all.add(0, 200);
  all.add(7, 790);
  return all;
}

/// Images drawn of each class in `epochs` epochs.
std::map<std::int32_t, double> frequencies(const Labelled& all, std::optional<std::int32_t> unbalanced,
                                           int epochs) {
  std::map<std::int32_t, double> counts;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    RandomStream random(1, random_purpose::test, static_cast<std::uint32_t>(epoch));
    const auto order = draw_balanced(all.indices, all.labels, unbalanced, random);
    REQUIRE(order.size() == all.indices.size());
    for (const std::int64_t index : order) counts[all.labels[static_cast<std::size_t>(index)]] += 1;
  }
  return counts;
}

}  // namespace

TEST_CASE("balanced_sampler: every class is drawn as often, and every image of it") {
  const Labelled all = unequal_classes();
  const auto counts = frequencies(all, std::nullopt, 30);
  REQUIRE(counts.size() == 3);
  for (const auto& [label, count] : counts) CHECK(std::abs(count - 10000) < 5 * std::sqrt(30000 * 2.0 / 9));

  std::map<std::int64_t, int> of_three;
  RandomStream random(2, random_purpose::test);
  for (int epoch = 0; epoch < 30; ++epoch) {
    for (const std::int64_t index : draw_balanced(all.indices, all.labels, std::nullopt, random)) {
      if (all.labels[static_cast<std::size_t>(index)] == 3) ++of_three[index];
    }
  }
  CHECK(of_three.size() == 10);
  for (const auto& [index, count] : of_three) CHECK(std::abs(count - 1000) < 160);
}

TEST_CASE("balanced_sampler: a class that is none keeps its share, the others divide the rest") {
  const auto counts = frequencies(unequal_classes(), 7, 30);
  CHECK(std::abs(counts.at(7) - 23700) < 5 * std::sqrt(30000 * 0.79 * 0.21));
  CHECK(std::abs(counts.at(0) - 3150) < 270);
  CHECK(std::abs(counts.at(3) - 3150) < 270);
  CHECK(frequencies(unequal_classes(), 99, 1).size() == 3);  // none of them in this epoch
}

TEST_CASE("balanced_sampler: one class, and nothing") {
  Labelled one;
  one.add(5, 4);
  CHECK(frequencies(one, std::nullopt, 1).at(5) == 4);
  CHECK(frequencies(one, 5, 1).at(5) == 4);
  CHECK(frequencies({}, std::nullopt, 1).empty());
}

TEST_CASE("balanced_sampler: how often an image came before") {
  const std::vector<std::int64_t> order{4, 2, 4, 4, 2, 0};
  CHECK(count_repeats(order) == std::vector<std::uint32_t>{0, 0, 1, 2, 1, 0});
}
