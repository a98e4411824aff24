#include "engine/metrics/novelty_thresholds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"

using namespace tern;
using doctest::Contains;

namespace {

using Groups = std::vector<NoveltyGroup>;

NoveltyGroup random_group(RandomStream& random, bool is_novel, int count, double shift, bool rounded) {
  NoveltyGroup group{is_novel, {}, {}};
  for (int i = 0; i < count; ++i) {
    const double score = 3 * random.normal() + shift;
    group.scores.push_back(rounded ? std::round(score) : score);
    if (!is_novel) group.correct.push_back(random.chance(0.8f));
  }
  return group;
}

/// Known images of two kinds, and novel ones near and far.
Groups random_groups(std::uint32_t stream, bool rounded, bool weighted) {
  RandomStream random(13, random_purpose::test, stream);
  Groups groups{random_group(random, false, 60, -4, rounded), random_group(random, true, 45, 0, rounded),
                random_group(random, false, 25, -2, rounded), random_group(random, true, 80, 3, rounded)};
  if (weighted) {
    const double weights[] = {0.21, 0.35, 0.15, 0.29};
    for (std::size_t g = 0; g < groups.size(); ++g) groups[g].weight = weights[g];
  }
  return groups;
}

/// From the definition, image by image.
struct Naive {
  double kept = 0, right = 0, found = 0, accuracy = 0;

  Naive(const Groups& groups, double threshold) {
    double known = 0, novel = 0;
    for (const NoveltyGroup& group : groups) {
      const auto n = static_cast<double>(group.scores.size());
      const double weight = group.weight ? *group.weight : n;
      (group.is_novel ? novel : known) += weight;
      for (std::size_t i = 0; i < group.scores.size(); ++i) {
        const bool called_novel = group.scores[i] > threshold;
        if (group.is_novel) {
          found += called_novel ? weight / n : 0;
        } else if (!called_novel) {
          kept += weight / n;
          right += group.correct[i] ? weight / n : 0;
        }
      }
    }
    accuracy = (right + found) / (known + novel);
    kept /= known, right /= known, found /= novel;
  }
  double harmonic() const { return right + found == 0 ? 0 : 2 * right * found / (right + found); }
  double gap() const { return std::abs((1 - kept) - (1 - found)); }
};

/// Every score and what is just under it: no threshold cuts otherwise than one of these.
std::vector<double> all_cuts(const Groups& groups) {
  std::vector<double> cuts;
  for (const NoveltyGroup& group : groups) {
    for (const double score : group.scores) {
      cuts.push_back(score);
      cuts.push_back(std::nextafter(score, -INFINITY));
    }
  }
  return cuts;
}

template <typename Visit>
void for_random_groups(const Visit& visit) {
  std::uint32_t stream = 0;
  for (const bool rounded : {false, true}) {
    for (const bool weighted : {false, true}) {
      CAPTURE(rounded);
      CAPTURE(weighted);
      for (int round = 0; round < 3; ++round) visit(random_groups(++stream, rounded, weighted));
    }
  }
}

}  // namespace

TEST_CASE("novelty_thresholds: rates are the weighted shares on either side") {
  for_random_groups([](const Groups& groups) {
    const NoveltyThresholds thresholds(groups);
    for (double threshold = -15; threshold < 15; threshold += 0.5) {
      const NoveltyRates rates = thresholds.rates_at(threshold);
      const Naive naive(groups, threshold);
      CHECK(rates.threshold == threshold);
      CHECK(*rates.known_kept == doctest::Approx(100 * naive.kept));
      CHECK(*rates.known_right == doctest::Approx(100 * naive.right));
      CHECK(*rates.novel_found == doctest::Approx(100 * naive.found));
      CHECK(*rates.expected_accuracy == doctest::Approx(100 * naive.accuracy));
      CHECK(*rates.harmonic_mean == doctest::Approx(100 * naive.harmonic()));
    }
  });
}

TEST_CASE("novelty_thresholds: no threshold does better than the rules that optimise") {
  for_random_groups([](const Groups& groups) {
    const NoveltyThresholds thresholds(groups);
    const Naive accuracy(groups, *thresholds.best_expected_accuracy());
    const Naive harmonic(groups, *thresholds.best_harmonic_mean());
    const Naive equal(groups, *thresholds.equal_error_rate());
    for (const double cut : all_cuts(groups)) {
      const Naive other(groups, cut);
      CHECK(other.accuracy <= accuracy.accuracy + 2e-9);
      CHECK(other.harmonic() <= harmonic.harmonic() + 2e-9);
      CHECK(other.gap() >= equal.gap() - 2e-9);
    }
  });
}

TEST_CASE("novelty_thresholds: the rules with a target meet it, and the next threshold would not") {
  for_random_groups([](const Groups& groups) {
    const NoveltyThresholds thresholds(groups);
    for (const double rate : {0.01, 0.05, 0.3, 0.9}) {
      CAPTURE(rate);
      const double lowest = thresholds.lose_at_most(rate);
      const double highest = *thresholds.find_at_least(1 - rate);
      CHECK(Naive(groups, lowest).kept >= 1 - rate - 1e-9);
      CHECK(Naive(groups, highest).found >= 1 - rate - 1e-9);
      for (const double cut : all_cuts(groups)) {
        const Naive other(groups, cut);
        if (cut < lowest) CHECK(other.kept < 1 - rate);
        if (cut > highest && other.found >= 1 - rate) {
          CHECK(other.found == doctest::Approx(Naive(groups, highest).found));  // in the same gap
          CHECK(other.kept == doctest::Approx(Naive(groups, highest).kept));
        }
      }
    }
  });
}

TEST_CASE("novelty_thresholds: by hand") {
  const NoveltyGroup known{false, {-20, -10, 0, 10}, {1, 1, 0, 1}};
  const NoveltyGroup near{true, {5, 15}, {}}, far{true, {30, 40, 50}, {}};
  const Groups groups{known, near, far};
  const NoveltyThresholds thresholds(groups);
  CHECK(*thresholds.best_expected_accuracy() == 12.5);  // 3 of 4 right, 4 of 5 found; 2.5: 2 and 5
  CHECK(*thresholds.rates_at(12.5).expected_accuracy == doctest::Approx(700.0 / 9));
  CHECK(thresholds.lose_at_most(0) == 10);
  CHECK(thresholds.lose_at_most(0.25) == 0);
  CHECK(thresholds.lose_at_most(0.24) == 10);
  CHECK(*thresholds.find_at_least(1) == 2.5);
  CHECK(*thresholds.find_at_least(0.8) == 12.5);
  CHECK(*thresholds.equal_error_rate() == 7.5);  // 1 of 4 lost, 1 of 5 missed
  // With most of the mix near, one of the two near images is worth more than a known one.
  Groups weighted = groups;
  weighted[0].weight = 20, weighted[1].weight = 60, weighted[2].weight = 20;
  const NoveltyThresholds mix(weighted);
  CHECK(*mix.best_expected_accuracy() == 2.5);
  CHECK(*mix.rates_at(2.5).expected_accuracy == doctest::Approx(10 + 60 + 20));
  CHECK(*mix.rates_at(2.5).novel_found == 100);
  CHECK(*mix.rates_at(12.5).novel_found == doctest::Approx(100 * (0.75 * 0.5 + 0.25)));
}

TEST_CASE("novelty_thresholds: exact shares meet the target; separated groups are cut in the middle") {
  NoveltyGroup known{false, {}, std::vector<std::uint8_t>(20, 1)};
  for (int i = 1; i <= 20; ++i) known.scores.push_back(i);
  CHECK(NoveltyThresholds(Groups{known}).lose_at_most(0.05) == 19);  // keeps 19 of 20
  const NoveltyThresholds both(Groups{known, {true, {40, 50}, {}}});
  CHECK(*both.best_expected_accuracy() == 30);
  CHECK(*both.best_harmonic_mean() == 30);
  CHECK(*both.equal_error_rate() == 30);
  CHECK(*both.rates_at(30).expected_accuracy == 100);
}

TEST_CASE("novelty_thresholds: the order of images and of groups does not matter") {
  Groups groups = random_groups(40, true, true);
  const NoveltyThresholds before(groups);
  for (NoveltyGroup& group : groups) {
    std::reverse(group.scores.begin(), group.scores.end());
    std::reverse(group.correct.begin(), group.correct.end());
  }
  std::reverse(groups.begin(), groups.end());
  const NoveltyThresholds after(groups);
  CHECK(*after.best_expected_accuracy() == *before.best_expected_accuracy());
  CHECK(*after.best_harmonic_mean() == *before.best_harmonic_mean());
  CHECK(*after.equal_error_rate() == *before.equal_error_rate());
  CHECK(after.lose_at_most(0.1) == before.lose_at_most(0.1));
  CHECK(*after.find_at_least(0.7) == *before.find_at_least(0.7));
}

TEST_CASE("novelty_thresholds: no novel images, one image, equal scores, infinities") {
  const NoveltyThresholds alone(Groups{{false, {1, 2}, {1, 0}}, {true, {}, {}}});
  CHECK(alone.lose_at_most(0.5) == 1);
  CHECK_FALSE(alone.best_expected_accuracy());
  CHECK_FALSE(alone.best_harmonic_mean());
  CHECK_FALSE(alone.equal_error_rate());
  CHECK_FALSE(alone.find_at_least(0.5));
  CHECK_FALSE(alone.rates_at(1).novel_found);
  CHECK(*alone.rates_at(1).known_right == 50);

  const NoveltyThresholds equal(Groups{{false, {7}, {1}}, {true, {7, 7}, {}}});
  CHECK(*equal.best_expected_accuracy() == std::nextafter(7, 0));  // all are called novel
  CHECK(*equal.find_at_least(1) < 7);
  CHECK(equal.lose_at_most(0.5) == 7);

  const NoveltyThresholds endless(
      Groups{{false, {-INFINITY, 0, INFINITY}, {1, 1, 1}}, {true, {-INFINITY, INFINITY}, {}}});
  CHECK(*endless.find_at_least(0.5) == 0);
  CHECK_FALSE(endless.find_at_least(0.6));  // no number is under -infinity
  CHECK(endless.lose_at_most(0) == INFINITY);
  CHECK(endless.lose_at_most(0.7) == -INFINITY);
  CHECK(*endless.rates_at(0).known_kept == doctest::Approx(200.0 / 3));
  const double most = std::numeric_limits<double>::max();
  const NoveltyThresholds wide(Groups{{false, {-most}, {1}}, {true, {most}, {}}});
  CHECK(*wide.best_expected_accuracy() == 0);
  const NoveltyThresholds tight(Groups{{false, {1}, {1}}, {true, {std::nextafter(1.0, 2)}, {}}});
  CHECK(*tight.rates_at(*tight.best_expected_accuracy()).expected_accuracy == 100);
}

TEST_CASE("novelty_thresholds: by class, shrunk towards that of all") {
  // Class 0: 4 known images, 1: 2, 2: none.
  const Groups groups{{false, {1, 2, 3, 4, 10, 20}, {1, 1, 1, 1, 1, 1}}, {true, {6, 30, 5}, {}}};
  const std::vector<std::vector<std::int32_t>> answers{{0, 0, 0, 0, 1, 1}, {0, 1, 2}};
  const ThresholdRule keep_all = [](const NoveltyThresholds& of) { return of.lose_at_most(0); };
  CHECK(class_thresholds(groups, answers, 3, keep_all, {1, 0}) == std::vector<double>{4, 20, 20});
  CHECK(class_thresholds(groups, answers, 3, keep_all, {3, 0}) == std::vector<double>{4, 20, 20});
  const std::vector<double> shrunk = class_thresholds(groups, answers, 3, keep_all, {3, 12});
  CHECK(shrunk[0] == doctest::Approx((4 * 4 + 12 * 20) / 16.0));
  CHECK(shrunk[1] == 20);  // too few
  CHECK(class_thresholds(groups, answers, 3, keep_all) == std::vector<double>{20, 20, 20});

  const ThresholdRule most_accurate = [](const NoveltyThresholds& of) { return of.best_expected_accuracy(); };
  const double of_all = *NoveltyThresholds(groups).best_expected_accuracy();
  CHECK(class_thresholds(groups, answers, 3, most_accurate, {1, 0}) == std::vector<double>{5, 25, of_all});
}

TEST_CASE("novelty_thresholds: the images of a class weigh what they weigh among all") {
  Groups groups = random_groups(41, false, true);
  std::vector<std::vector<std::int32_t>> answers;
  RandomStream random(14, random_purpose::test);
  std::vector<Groups> parts(3, groups);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    answers.emplace_back();
    for (Groups& part : parts) part[g].scores.clear(), part[g].correct.clear();
    for (std::size_t i = 0; i < groups[g].scores.size(); ++i) {
      answers[g].push_back(static_cast<std::int32_t>(random.below(3)));
      NoveltyGroup& part = parts[static_cast<std::size_t>(answers[g][i])][g];
      part.scores.push_back(groups[g].scores[i]);
      if (!part.is_novel) part.correct.push_back(groups[g].correct[i]);
    }
    for (Groups& part : parts) {
      *part[g].weight *=
          static_cast<double>(part[g].scores.size()) / static_cast<double>(groups[g].scores.size());
    }
  }
  const ThresholdRule rule = [](const NoveltyThresholds& of) { return of.best_expected_accuracy(); };
  const std::vector<double> thresholds = class_thresholds(groups, answers, 3, rule, {1, 0});
  for (std::size_t c = 0; c < 3; ++c) {
    const double best = Naive(parts[c], thresholds[c]).accuracy;
    for (const double cut : all_cuts(parts[c])) CHECK(Naive(parts[c], cut).accuracy <= best + 2e-9);
  }
}

TEST_CASE("novelty_thresholds: what cannot be ranked") {
  const NoveltyGroup known{false, {1, 2}, {1, 0}}, novel{true, {3}, {}};
  NoveltyGroup heavy = novel, light = known;
  heavy.weight = 1, light.weight = 0;
  const auto make = [](const Groups& groups) { return NoveltyThresholds(groups); };
  CHECK_THROWS_WITH_AS(make({}), "novelty thresholds: wanted at least one known image, got none", Error);
  CHECK_THROWS_AS(make({novel}), Error);
  CHECK_THROWS_WITH_AS(make({light, heavy}), Contains("at least one known image"), Error);
  CHECK_THROWS_WITH_AS(make({known, heavy}), Contains("a weight for every group or none, got some"), Error);
  CHECK_THROWS_WITH_AS(make({known, {true, {0, std::nan("")}, {}}}),
                       Contains("numbers for the novel scores, got NaN at row 1"), Error);
  CHECK_THROWS_WITH_AS(make({{false, {1, 2}, {1}}}), Contains("a flag for each of 2 known images, got 1"),
                       Error);
  light.weight = -1;
  CHECK_THROWS_AS(make({light, heavy}), Error);
  light.weight = INFINITY;
  CHECK_THROWS_AS(make({light, heavy}), Error);
  const NoveltyThresholds thresholds(Groups{known, novel});
  CHECK_THROWS_AS(thresholds.lose_at_most(1), Error);
  CHECK_THROWS_AS(thresholds.lose_at_most(-0.1), Error);
  CHECK_THROWS_AS(thresholds.lose_at_most(std::nan("")), Error);
  CHECK_THROWS_AS(thresholds.find_at_least(0), Error);
  CHECK_THROWS_AS(thresholds.find_at_least(1.1), Error);
  CHECK_THROWS_AS(thresholds.rates_at(std::nan("")), Error);

  const Groups groups{known, novel};
  const std::vector<std::vector<std::int32_t>> answers{{0, 1}, {0}}, one{{0, 1}}, few{{0}, {0}},
      bad{{0, 2}, {0}};
  const ThresholdRule rule = [](const NoveltyThresholds& of) { return of.lose_at_most(0.05); };
  CHECK_THROWS_WITH_AS(class_thresholds(groups, one, 2, rule), Contains("answers of 2 groups, got 1"), Error);
  CHECK_THROWS_WITH_AS(class_thresholds(groups, few, 2, rule), Contains("an answer for each of 2 images"),
                       Error);
  CHECK_THROWS_WITH_AS(class_thresholds(groups, bad, 2, rule), Contains("answers of 2 classes, got 2"),
                       Error);
  CHECK_THROWS_AS(class_thresholds(groups, answers, -1, rule), Error);
  CHECK_THROWS_AS(class_thresholds(groups, answers, 2, rule, {-1, 0}), Error);
  CHECK_THROWS_AS(class_thresholds(groups, answers, 2, rule, {1, -1}), Error);
  CHECK_THROWS_AS(class_thresholds(groups, answers, 2, rule, {1, INFINITY}), Error);
  const ThresholdRule nothing = [](const NoveltyThresholds&) { return std::optional<double>(); };
  CHECK_THROWS_WITH_AS(class_thresholds(groups, answers, 2, nothing), Contains("a threshold of all images"),
                       Error);
}
