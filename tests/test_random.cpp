#include "data/random_purpose.h"
#include "engine/core/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>
#include <vector>

using namespace tern;

// kat_vectors of Random123, the reference implementation by the paper's authors.
TEST_CASE("philox4x32: known answers") {
  using Block = std::array<std::uint32_t, 4>;
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t kOnes = 0xffffffff;
  CHECK(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("RandomStream: the bits are Philox blocks of (index, purpose, a, b) under the seed") {
  RandomStream stream(0x123456789abcdef0, random_purpose::augment, 7, 9);
  for (std::uint32_t index = 0; index < 3; ++index) {
    const auto block = philox4x32({index, random_purpose::augment, 7, 9}, {0x9abcdef0, 0x12345678});
    for (const std::uint32_t wanted : block) CHECK(stream.bits() == wanted);
  }
}

TEST_CASE("RandomStream: each part of the key makes another stream") {
  std::set<std::uint32_t> first;
  first.insert(RandomStream(1, random_purpose::shuffle, 0, 0).bits());
  first.insert(RandomStream(2, random_purpose::shuffle, 0, 0).bits());
  first.insert(RandomStream(1ull << 32 | 1, random_purpose::shuffle, 0, 0).bits());
  first.insert(RandomStream(1, random_purpose::augment, 0, 0).bits());
  first.insert(RandomStream(1, random_purpose::shuffle, 1, 0).bits());
  first.insert(RandomStream(1, random_purpose::shuffle, 0, 1).bits());
  CHECK(first.size() == 6);
}

TEST_CASE("uniform: [0, 1) with the moments of a uniform variable") {
  RandomStream stream(3, random_purpose::test);
  constexpr int kCount = 100'000;
  double sum = 0, squares = 0;
  for (int i = 0; i < kCount; ++i) {
    const float value = stream.uniform();
    REQUIRE(value >= 0.0f);
    REQUIRE(value < 1.0f);
    sum += value;
    squares += double{value} * value;
  }
  CHECK(sum / kCount == doctest::Approx(0.5).epsilon(0.01));
  CHECK(squares / kCount == doctest::Approx(1.0 / 3).epsilon(0.01));
  for (int i = 0; i < 1000; ++i) {
    const float value = stream.uniform(-10.0f, 10.0f);
    REQUIRE(value >= -10.0f);
    REQUIRE(value < 10.0f);
  }
}

TEST_CASE("normal: mean 0, variance 1, kurtosis 3, finite") {
  RandomStream stream(4, random_purpose::test);
  constexpr int kCount = 200'000;
  double sum = 0, squares = 0, fourth = 0;
  for (int i = 0; i < kCount; ++i) {
    const double value = stream.normal();
    REQUIRE(std::isfinite(value));
    sum += value;
    squares += value * value;
    fourth += value * value * value * value;
  }
  CHECK(std::abs(sum / kCount) < 0.01);
  CHECK(squares / kCount == doctest::Approx(1.0).epsilon(0.02));
  CHECK(fourth / kCount == doctest::Approx(3.0).epsilon(0.05));
}

TEST_CASE("below: within the bound, and each value equally often") {
  RandomStream stream(5, random_purpose::test);
  CHECK(stream.below(1) == 0);
  std::array<int, 7> seen{};
  constexpr int kCount = 70'000;
  for (int i = 0; i < kCount; ++i) ++seen.at(stream.below(7));
  double chi_square = 0;
  for (const int count : seen) chi_square += std::pow(count - kCount / 7.0, 2) / (kCount / 7.0);
  CHECK(chi_square < 22.5);  // 6 degrees of freedom, p = 0.001

  // Two thirds of 2^32: a plain multiplication would favour some values two to one.
  const std::uint32_t bound = 0xAAAAAAAB;
  int low_half = 0;
  for (int i = 0; i < kCount; ++i) {
    const std::uint32_t value = stream.below(bound);
    REQUIRE(value < bound);
    low_half += value % 2 == 0 ? 1 : 0;
  }
  CHECK(low_half == doctest::Approx(kCount / 2.0).epsilon(0.02));
}

TEST_CASE("chance: as likely as asked") {
  RandomStream stream(6, random_purpose::test);
  int heads = 0;
  for (int i = 0; i < 20'000; ++i) heads += stream.chance(0.25f) ? 1 : 0;
  CHECK(heads == doctest::Approx(5000).epsilon(0.05));
  CHECK_FALSE(stream.chance(0.0f));
  CHECK(stream.chance(1.0f));
}

TEST_CASE("shuffle: a permutation, repeatable, and every place equally likely") {
  std::vector<std::int64_t> values(100);
  std::iota(values.begin(), values.end(), 0);
  std::vector<std::int64_t> again = values;
  RandomStream(7, random_purpose::shuffle).shuffle(values);
  RandomStream(7, random_purpose::shuffle).shuffle(again);
  CHECK(values == again);
  std::sort(again.begin(), again.end());
  CHECK(again != values);
  for (std::int64_t i = 0; i < 100; ++i) CHECK(again[static_cast<std::size_t>(i)] == i);

  std::array<int, 4> place_of_zero{};
  for (std::uint32_t trial = 0; trial < 8000; ++trial) {
    std::vector<std::int64_t> four = {0, 1, 2, 3};
    RandomStream(8, random_purpose::shuffle, trial).shuffle(four);
    ++place_of_zero.at(static_cast<std::size_t>(std::find(four.begin(), four.end(), 0) - four.begin()));
  }
  for (const int count : place_of_zero) CHECK(count == doctest::Approx(2000).epsilon(0.08));
  std::vector<std::int64_t> none;
  CHECK_NOTHROW(RandomStream(9, random_purpose::shuffle).shuffle(none));
}
