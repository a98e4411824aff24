#include "engine/metrics/accuracy.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/core/check.h"

using namespace tern;

TEST_CASE("accuracy: seen and novel rows are counted apart") {
  constexpr std::int32_t novel = 3;
  //                                   right wrong called-novel | found missed
  const std::vector<std::int32_t> truth{0, 1, 1, 2, 3, 3, 3};
  const std::vector<std::int32_t> guess{0, 1, 0, 3, 3, 3, 1};
  const NoveltyCounts counts = count_novelty(truth, guess, novel);
  CHECK(counts.total() == 7);
  CHECK(*counts.accuracy() == doctest::Approx(100.0 * 4 / 7));
  CHECK(*counts.seen_accuracy() == doctest::Approx(50));
  CHECK(*counts.novel_accuracy() == doctest::Approx(200.0 / 3));
  CHECK(*counts.false_novel_rate() == doctest::Approx(25));
  CHECK(*counts.misclassified_rate() == doctest::Approx(25));
  CHECK(*counts.one_minus_accuracy() == doctest::Approx(50));
}

TEST_CASE("accuracy: the rates of seen rows sum to 100") {
  NoveltyCounts counts;
  for (std::int32_t i = 0; i < 97; ++i) counts.add(i % 4, (i * 7) % 5, 4);
  CHECK(*counts.seen_accuracy() + *counts.false_novel_rate() + *counts.misclassified_rate() ==
        doctest::Approx(100));
}

TEST_CASE("accuracy: nothing counted gives no rate") {
  const NoveltyCounts none;
  CHECK_FALSE(none.accuracy());
  NoveltyCounts seen_only;
  seen_only.add(0, 0, 1);
  CHECK(*seen_only.accuracy() == 100);
  CHECK_FALSE(seen_only.novel_accuracy());
  CHECK_THROWS_AS(count_novelty(std::vector<std::int32_t>{1}, {}, 3), Error);
}
