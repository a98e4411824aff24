#include "engine/tensor/shape.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/core/check.h"

using namespace tern;

TEST_CASE("Shape: rank, extents, elements, text") {
  const Shape shape{64, 3, 8};
  CHECK(shape.rank() == 3);
  CHECK(shape[0] == 64);
  CHECK(shape[2] == 8);
  CHECK(shape[-1] == 8);
  CHECK(shape[-3] == 64);
  CHECK(shape.numel() == 64 * 3 * 8);
  CHECK(shape.text() == "[64, 3, 8]");
  CHECK(std::vector<std::int64_t>(shape.begin(), shape.end()) == std::vector<std::int64_t>{64, 3, 8});
}

TEST_CASE("Shape: a scalar, and an empty tensor") {
  CHECK(Shape().rank() == 0);
  CHECK(Shape().numel() == 1);
  CHECK(Shape().text() == "[]");
  CHECK(Shape{4, 0, 7}.numel() == 0);
  CHECK(Shape{4, 0, 7}.text() == "[4, 0, 7]");
}

TEST_CASE("Shape: equality compares rank and extents") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK_FALSE(Shape{2, 3} == Shape{3, 2});
  CHECK_FALSE(Shape{2, 3} == Shape{2, 3, 1});
  CHECK_FALSE(Shape{} == Shape{1});
  const std::vector<std::int64_t> extents = {2, 3};
  CHECK(Shape(std::span<const std::int64_t>(extents)) == Shape{2, 3});
}

TEST_CASE("Shape: refuses what is no shape") {
  CHECK_THROWS_WITH_AS(Shape({2, -1}), "shape: wanted extents >= 0, got -1", Error);
  CHECK_THROWS_WITH_AS(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), doctest::Contains("at most 8 axes"), Error);
  CHECK_NOTHROW(Shape({1, 1, 1, 1, 1, 1, 1, 1}));
  const std::int64_t large = std::int64_t{1} << 31;
  CHECK_NOTHROW(Shape({large, large}));
  CHECK_THROWS_WITH_AS(Shape({large, large, 2}), doctest::Contains("2^62"), Error);
  CHECK_THROWS_AS(Shape({0, large, large, large}), Error);  // no way round by an extent of 0
  const Shape shape{2, 3};
  CHECK_THROWS_WITH_AS(static_cast<void>(shape[2]), doctest::Contains("shape [2, 3]"), Error);
  CHECK_THROWS_AS(static_cast<void>(shape[-3]), Error);
}
