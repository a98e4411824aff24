#include "engine/metrics/confusion.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"
#include "tests/support/goldens.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("confusion: scikit-learn's matrix, rates and balanced accuracy") {
  const test::GoldenCase golden = test::read_goldens("metrics.txt").at("confusion");
  const ConfusionMatrix matrix = confusion_matrix(golden.integers("truth"), golden.integers("guess"), 6);
  for (std::int32_t t = 0; t < 6; ++t) {
    for (std::int32_t p = 0; p < 6; ++p) CHECK(matrix.at(t, p) == golden.integers("matrix")[t * 6 + p]);
  }
  CHECK(*matrix.accuracy() == doctest::Approx(100 * golden.array("accuracy")[0]).epsilon(1e-13));
  CHECK(*matrix.balanced_accuracy() ==
        doctest::Approx(100 * golden.array("balanced_accuracy")[0]).epsilon(1e-13));
  const std::vector<ClassRates> table = class_table(matrix);
  for (std::int32_t c = 0; c < 6; ++c) {
    CAPTURE(c);
    CHECK(table[c].recall().value_or(0) == doctest::Approx(100 * golden.array("recall")[c]).epsilon(1e-13));
    CHECK(table[c].precision().value_or(0) ==
          doctest::Approx(100 * golden.array("precision")[c]).epsilon(1e-13));
    CHECK(table[c].f1().value_or(0) == doctest::Approx(100 * golden.array("f1")[c]).epsilon(1e-13));
  }
  CHECK_FALSE(table[4].recall());  // no images
}

TEST_CASE("confusion: what a class is taken for, and nothing counted") {
  ConfusionMatrix matrix(3);
  CHECK_FALSE(matrix.accuracy());
  CHECK_FALSE(matrix.balanced_accuracy());
  matrix.add(0, 0), matrix.add(0, 2), matrix.add(0, 2), matrix.add(0, 1), matrix.add(1, 1);
  const std::vector<ClassRates> table = class_table(matrix);
  CHECK(table[0].most_taken_for == 2);
  CHECK(table[0].taken_for == 2);
  CHECK(table[1].most_taken_for == -1);
  CHECK(*matrix.balanced_accuracy() == doctest::Approx(62.5));
}

TEST_CASE("confusion: a hundred thousand classes take no more than the pairs that came") {
  constexpr std::int32_t kClasses = 100'000;  // 80 GB as a whole matrix
  ConfusionMatrix matrix(kClasses);
  for (std::int32_t c = 0; c < kClasses; c += 2) matrix.add(c, c), matrix.add(c, c + 1), matrix.add(c, c + 1);
  CHECK(matrix.at(10, 11) == 2);
  CHECK(matrix.at(11, 10) == 0);
  CHECK(matrix.row(10) == std::map<std::int32_t, std::int64_t>{{10, 1}, {11, 2}});
  CHECK(matrix.answers(11) == 2);
  CHECK(matrix.correct() == kClasses / 2);
  CHECK(*matrix.balanced_accuracy() == doctest::Approx(100.0 / 3));
  const std::vector<ClassRates> table = class_table(matrix);
  CHECK(table[10].most_taken_for == 11);
  CHECK(table[11].answers == 2);
}

TEST_CASE("confusion: classes out of range, lengths that differ") {
  ConfusionMatrix matrix(3);
  CHECK_THROWS_WITH_AS(matrix.add(3, 0), Contains("classes in 0..2, got 3"), Error);
  CHECK_THROWS_AS(matrix.add(0, -1), Error);
  CHECK_THROWS_AS(ConfusionMatrix(0), Error);
  CHECK_THROWS_AS(confusion_matrix(std::vector<std::int32_t>{1}, {}, 2), Error);
}
