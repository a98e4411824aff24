#include "models/novelty_distance.h"

#include <doctest/doctest.h>

#include <limits>

#include "data/random_purpose.h"
#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "tests/support/novelty_case.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("novelty_distance: scikit-learn's neighbours") {
  for (const std::string& name : test::novelty_case_names()) {
    CAPTURE(name);
    const test::NoveltyCase data(name);
    const NearestNeighbours model(data.train_rows(), data.number("k"));
    CHECK(test::largest_error(model.novelty(data.test_rows()), data.golden.array("knn")) < 1e-6);
  }
}

TEST_CASE("novelty_distance: scikit-learn's covariances, as they are, shrunk, and by Ledoit and Wolf") {
  for (const std::string& name : test::novelty_case_names()) {
    CAPTURE(name);
    const test::NoveltyCase data(name);
    const auto check_against = [&](const std::string& method, std::optional<double> shrinkage) {
      CAPTURE(method);
      const Mahalanobis model(data.train_rows(), data.labels, static_cast<std::int32_t>(data.classes),
                              shrinkage);
      CHECK(model.shrinkage() == doctest::Approx(data.golden.array("shrinkage_" + method)[0]).epsilon(1e-9));
      CHECK(test::largest_error(model.novelty(data.test_rows()), data.golden.array("mahalanobis_" + method)) <
            1e-6);
      CHECK(test::largest_error(model.relative_novelty(data.test_rows()),
                                data.golden.array("relative_" + method)) < 1e-6);
    };
    check_against("empirical", 0.0);
    check_against("shrunk", 0.2);
    check_against("wolf", std::nullopt);
  }
}

TEST_CASE("novelty_distance: the same for any number of threads") {
  const test::NoveltyCase data("novel_column");
  const Mahalanobis mahalanobis(data.train_rows(), data.labels, static_cast<std::int32_t>(data.classes));
  const NearestNeighbours neighbours(data.train_rows(), 4);
  const int before = thread_count();
  set_thread_count(1);
  const std::vector<double> distances = mahalanobis.novelty(data.test_rows());
  const std::vector<double> nearest = neighbours.novelty(data.test_rows());
  set_thread_count(3);
  for (std::size_t i = 0; i < distances.size(); ++i) {
    CHECK(mahalanobis.novelty(data.test_rows())[i] == doctest::Approx(distances[i]).epsilon(1e-12));
    CHECK(neighbours.novelty(data.test_rows())[i] == doctest::Approx(nearest[i]).epsilon(1e-12));
  }
  set_thread_count(before);
}

TEST_CASE("novelty_distance: a row far outside is novel by the relative score too") {
  // Two classes on a line; the far row lies where the training rows have next to no variance.
  std::vector<float> train;
  std::vector<std::int32_t> labels;
  RandomStream random(5, random_purpose::test);
  for (int i = 0; i < 200; ++i) {
    labels.push_back(i % 2);
    train.push_back(static_cast<float>(labels.back() * 20) + random.normal());
    for (int d = 0; d < 7; ++d) train.push_back(0.001f * random.normal());
  }
  const std::vector<float> usual{0.1f, 0, 0, 0, 0, 0, 0, 0}, far{10, 5, 0, 0, 0, 0, 0, 0};
  const Mahalanobis model({train, 8}, labels, 2);
  CHECK(model.relative_novelty({far, 8})[0] > model.relative_novelty({usual, 8})[0] + 1);
}

TEST_CASE("novelty_distance: zero rows, dead features, and rows of one place") {
  const std::vector<float> train{1, 0, 0, 2, 0, 0, 0, 3, 0, 0, 1, 0}, zeros{0, 0, 0};
  const std::vector<std::int32_t> labels{0, 0, 1, 1};
  CHECK(NearestNeighbours({train, 3}, 1).novelty({zeros, 3})[0] == doctest::Approx(1));
  // The third feature is always 0: the covariance is singular, but not the shrunk one.
  CHECK_THROWS_WITH_AS(Mahalanobis({train, 3}, labels, 2, 0.0), Contains("or a shrinkage over 0"), Error);
  CHECK(std::isfinite(Mahalanobis({train, 3}, labels, 2).novelty({zeros, 3})[0]));
  const std::vector<float> same{1, 1, 1, 1, 1, 1};
  CHECK_THROWS_WITH_AS(Mahalanobis({same, 3}, std::vector<std::int32_t>{0, 1}, 2), Contains("singular"),
                       Error);
}

TEST_CASE("novelty_distance: what cannot be fitted") {
  const std::vector<float> train{1, 0, 2, 1}, bad{1, std::numeric_limits<float>::infinity()}, none;
  const std::vector<std::int32_t> labels{0, 1};
  CHECK_THROWS_WITH_AS(NearestNeighbours({train, 2}, 3), "knn: wanted k in 1..2, the training rows, got 3",
                       Error);
  CHECK_THROWS_AS(NearestNeighbours({none, 2}, 1), Error);
  CHECK_THROWS_WITH_AS(NearestNeighbours({train, 2}, 1).novelty({bad, 2}), Contains("finite features"),
                       Error);
  CHECK_THROWS_WITH_AS(NearestNeighbours({train, 2}, 1).novelty({train, 4}), Contains("2 columns"), Error);
  CHECK_THROWS_WITH_AS(Mahalanobis({train, 2}, std::vector<std::int32_t>{0, 0}, 2), Contains("two classes"),
                       Error);
  CHECK_THROWS_AS(Mahalanobis({train, 2}, std::vector<std::int32_t>{0}, 2), Error);
  CHECK_THROWS_AS(Mahalanobis({train, 2}, std::vector<std::int32_t>{0, 2}, 2), Error);
  CHECK_THROWS_AS(Mahalanobis({train, 2}, labels, 2, 1.5), Error);
  CHECK_THROWS_AS(Mahalanobis({none, 2}, {}, 2), Error);
}
