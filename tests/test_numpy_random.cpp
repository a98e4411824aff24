#include "data/numpy_random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

// The golden file's summary of a list: see make_numpy_random_goldens.py.
std::string listed(const std::vector<std::int64_t>& values) {
  std::uint64_t checksum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) checksum += (i + 1) * static_cast<std::uint64_t>(values[i]);
  std::vector<std::int64_t> shown = values;
  if (values.size() > 24) {
    shown.assign(values.begin(), values.begin() + 8);
    shown.insert(shown.end(), values.end() - 8, values.end());
  }
  std::string text = std::to_string(checksum) + " " + std::to_string(shown.size());
  for (const std::int64_t value : shown) text += " " + std::to_string(value);
  return text;
}

std::string rest_of(std::istream& line) {
  std::string text;
  std::getline(line >> std::ws, text);
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

TEST_CASE("numpy_random: every golden of NumPy, bit for bit") {
  std::ifstream file(TERN_SOURCE_DIR "/tests/goldens/numpy_random.txt");
  REQUIRE(file.good());
  int checked = 0;
  std::uint64_t generator_seed = 0;
  NumpyGenerator running(0);
  for (std::string text; std::getline(file, text); ++checked) {
    CAPTURE(text);
    std::istringstream line(text);
    std::string kind;
    std::uint64_t seed = 0;
    line >> kind >> seed;
    if (kind == "raw") {
      NumpyGenerator generator(seed);
      for (std::uint64_t wanted = 0; line >> wanted;) CHECK(generator.bits64() == wanted);
      generator_seed = seed;
      running = NumpyGenerator(seed);
    } else if (kind == "permutation") {
      std::int64_t count = 0;
      line >> count;
      CHECK(listed(NumpyRandomState(static_cast<std::uint32_t>(seed)).permutation(count)) == rest_of(line));
    } else {
      std::int64_t population = 0, size = 0;
      line >> population >> size;
      REQUIRE(seed == generator_seed);
      const bool fresh = kind == "choice";  // "next" goes on with one generator, halves left over included
      NumpyGenerator generator(seed);
      CHECK(listed((fresh ? generator : running).choice(population, size)) == rest_of(line));
    }
  }
  CHECK(checked > 400);
}

TEST_CASE("numpy_random: the reference's held-out classes") {
  std::vector<std::int64_t> held_out = NumpyGenerator(123).choice(87, 13);
  std::sort(held_out.begin(), held_out.end());
  CHECK(held_out == std::vector<std::int64_t>{1, 4, 14, 15, 17, 20, 27, 29, 39, 45, 51, 69, 71});
}

TEST_CASE("numpy_random: a choice holds distinct values of the population") {
  for (const auto& [population, size] :
       {std::pair<std::int64_t, std::int64_t>{7, 7}, {1000, 999}, {10001, 10001}, {30000, 601}}) {
    std::vector<std::int64_t> drawn = NumpyGenerator(5).choice(population, size);
    CHECK(drawn.size() == static_cast<std::size_t>(size));
    std::sort(drawn.begin(), drawn.end());
    CHECK(std::adjacent_find(drawn.begin(), drawn.end()) == drawn.end());
    CHECK(drawn.front() >= 0);
    CHECK(drawn.back() < population);
  }
  CHECK(NumpyGenerator(5).choice(0, 0).empty());
}

TEST_CASE("numpy_random: impossible draws") {
  NumpyGenerator generator(1);
  CHECK_THROWS_WITH_AS(generator.choice(3, 4), "choice: wanted 0 <= size <= population, got size 4 of 3",
                       Error);
  CHECK_THROWS_AS(generator.choice(3, -1), Error);
  CHECK_THROWS_AS(generator.choice(-1, -1), Error);
  CHECK_THROWS_AS(NumpyRandomState(1).permutation(-1), Error);
}

}  // namespace
}  // namespace tern
