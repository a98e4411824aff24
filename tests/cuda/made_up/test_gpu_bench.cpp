// How the kernels' benchmarks go about a GPU, on one that is made up: what a row has, when the cache is flushed, what is compared.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "benchmarks/kernels/harness.h"
#include "kernels/softmax.h"
#include "tests/cuda/made_up/runtime.h"

using namespace tern;
using Json = nlohmann::ordered_json;

namespace {

std::unique_ptr<bench::Bench> made_up_bench() {
  return bench::make_bench({.timing_seconds = 0.001});
}

std::size_t count_of(const std::string& text, const char* pattern) {
  const std::regex regex(pattern);
  return static_cast<std::size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()));
}

/// Softmax, launched unless `skips` says not to; of one slot.
void measure_softmax(bench::Bench& bench, const std::function<bool()>& skips) {
  constexpr std::int64_t kRows = 64, kCols = 88;
  constexpr double kBytes = 2.0 * kRows * kCols * sizeof(float);
  if (!bench.begin("softmax_forward", "64x88", "float32", kBytes)) return;
  const auto x = bench.random<float>(kRows * kCols, -4, 4), y = bench.poisoned<float>(kRows * kCols);
  bench.measure(
      kBytes,
      [&](int slot) {
        if (!skips()) kernels::softmax_forward(x[slot], y[slot], kRows, kCols, bench.stream());
      },
      [&] {
        bench::Difference difference;
        difference.add(y.array({kRows, kCols}), reference::softmax(x.array({kRows, kCols})));
        return difference.relative();
      });
}

}  // namespace

TEST_CASE("gpu bench: rows of softmax, with all that tables and comparisons want of them") {
  const std::unique_ptr<bench::Bench> bench = made_up_bench();
  for (const bench::Registered& one : bench::benchmarks()) bench->measure_side(one);
  const Json results = bench->results();
  CAPTURE(bench->tables());
  CHECK(bench->bad_rows() == 0);
  CHECK(results.at("rows").size() ==
        16);  // 64x88 and 64x4, two types, forward and backward, with a logarithm and without
  CHECK(results.at("left_out").size() == 64);  // the other eight shapes
  CHECK(results.at("left_out")[0].at("why") == "does not fit");
  for (const Json& row : results.at("rows")) {
    CAPTURE(row.dump());
    for (const std::string mode : {"stream", "graph", "warm"}) {
      const auto number = [&](const char* what) { return row.at(mode + what).template get<double>(); };
      CHECK(number("_low_us") > 0);
      CHECK(number("_low_us") <= number("_us"));
      CHECK(number("_us") <= number("_high_us"));
      CHECK(number("_samples") >= 10);
      CHECK(number("_dropped") == 0);
    }
    CHECK(row.at("launches") == 1);
    CHECK(row.at("largest_error").get<double>() < 3e-2);
    CHECK(row.at("largest_error_after") == row.at("largest_error"));
  }
  const Json& device = results.at("device");
  CHECK(device.at("name") == "Made-up GPU");
  CHECK(device.at("copy_gb_per_s").get<double>() > 0);
  CHECK(device.at("clocks").get<std::string>().rfind("not watched: NVML: wanted ", 0) == 0);
  CHECK(bench->tables().find("| softmax_forward | 64x88 | float32 |") != std::string::npos);
}

TEST_CASE("gpu bench: the cache is flushed once before a stream's sample, twice before a graph's") {
  const std::unique_ptr<bench::Bench> bench = made_up_bench();
  test::take_made_up_log();
  bench->measure_rows(measure_softmax, [] { return false; });
  const std::string log = test::take_made_up_log();
  CHECK(count_of(log, "fse(?!g)e") >= 10);  // waits, then issues between two events
  CHECK(count_of(log, "ffege") >= 30);      // two timings of a graph, and one with a warm cache
  CHECK(count_of(log, "(^|[^f])fege") == 0);
  CHECK(log.back() == 'g');  // what is compared in the end is what was timed
}

TEST_CASE("gpu bench: a kernel that a graph does not hold is told when outputs are compared again") {
  const std::unique_ptr<bench::Bench> bench = made_up_bench();
  int runs = 0;
  bench->measure_rows(measure_softmax, std::function<bool()>([&] { return runs++ > 0; }));
  const Json results = bench->results();
  REQUIRE(results.at("rows").size() == 1);
  CHECK(results.at("rows")[0].at("wrong") == true);
  CHECK(results.at("rows")[0].at("largest_error").get<double>() < 1e-4);
  CHECK(bench->bad_rows() == 1);
}
