// The most probable class of each row: on every device, then the kernel at every width, alignment and type.
#include "engine/ops/top1.h"

#include <algorithm>
#include <cmath>

#include "kernels/top1.h"
#include "tests/support/kernel_values.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Top1 {
  std::vector<std::int32_t> best;
  std::vector<float> probability;
};

Top1 top1(const Tensor& logits) {
  Tensor best = Tensor::empty({logits.size(0)}, DType::i32, logits.device());
  Tensor probability = Tensor::empty({logits.size(0)}, DType::f32, logits.device());
  top1(logits, &best, &probability);
  return {best.to_vector<std::int32_t>(), probability.to_vector<float>()};
}

}  // namespace

TEST_CASE("top1: the largest logit and its softmax probability, at widths around a vector and a warp") {
  for (const Device device : devices()) {
    for (const std::int64_t classes : {1, 4, 7, 32, 88, 1000}) {
      CAPTURE(classes);
      const Tensor logits = uniform({9, classes}, -5, 5, 1, device);
      const reference::Top1 wanted = reference::top1(array(logits));
      poison_free_memory(device);
      const Top1 got = top1(logits);
      CHECK(got.best == wanted.best);
      CHECK(relative_error(got.probability, wanted.probability) <= 2e-6);
    }
  }
}

TEST_CASE("top1: the first of equals; NaN wins; a result that is not wanted is left out") {
  for (const Device device : devices()) {
    const Tensor logits =
        Tensor::from({3, 3}, std::vector<float>{1, 2, 2, 5, NAN, 7, -INFINITY, 0, -INFINITY}).to(device);
    const Top1 got = top1(logits);
    CHECK(got.best == std::vector<std::int32_t>{1, 1, 1});
    CHECK(std::isnan(got.probability[1]));
    CHECK(got.probability[2] == 1);
    Tensor best = Tensor::zeros({3}, DType::i32, device);
    top1(logits, &best, nullptr);
    CHECK(best.to_vector<std::int32_t>() == got.best);
    Tensor probability = Tensor::zeros({3}, DType::f32, device);
    top1(logits, nullptr, &probability);
    CHECK(probability.to_vector<float>()[2] == 1);
  }
}

namespace {

constexpr std::int32_t kNovel = 777;

// Part of a warp per row, a warp in two steps, a block in one step, a block in several.
constexpr RowShape kKernelShapes[] = {{0, 4},     {1, 1},     {300, 1},  {129, 3},  {130, 4},  {33, 8},
                                      {9, 32},    {5, 33},    {7, 88},   {3, 129},  {3, 512},  {3, 513},
                                      {3, 520},   {2, 1000},  {2, 1024}, {2, 1025}, {2, 1032}, {1, 8193},
                                      {1, 16384}, {2, 16392}, {1, 60000}};
constexpr std::int64_t kOnEachPath[] = {4, 40, 600, 1040, 16400, 20001};

/// A row whose best class is `place`, written over others.
template <typename T>
void check_row(const std::vector<T>& row, std::int32_t place, double probability) {
  DeviceArray<T> logits(row);
  DeviceArray<std::int32_t> best(1), answer(1);
  DeviceArray<float> got(1);
  kernels::top1(logits.data(), 1e-9f, kNovel, best.data(), got.data(), answer.data(), 1,
                static_cast<std::int64_t>(row.size()), nullptr);
  CHECK(best.values()[0] == place);
  CHECK(relative_error(got.values(), {probability}) <= 2e-6);
  CHECK(answer.values()[0] == (std::isnan(probability) ? kNovel : place));
}

}  // namespace

TEST_CASE_TEMPLATE("top1 kernel: class, probability and answer on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const RowShape& shape : kKernelShapes) {
    for (const std::size_t shift : {0, 1}) {
      CAPTURE(shape.rows);
      CAPTURE(shape.cols);
      CAPTURE(shift);
      const auto rows = static_cast<std::size_t>(shape.rows);
      const std::vector<T> values = uniform<T>(shape.count(), -6, 6, 1);
      const reference::Top1 wanted = reference::top1(array(shape.shape(), values));
      // Halfway between two probabilities that are there, so that rounding decides nothing.
      std::vector<double> sorted = wanted.probability.values;
      std::sort(sorted.begin(), sorted.end());
      const double threshold = rows > 1 ? (sorted[rows / 2] + sorted[rows / 2 - 1]) / 2 : 0.0;
      std::vector<std::int32_t> answers = wanted.best;
      for (std::size_t r = 0; r < rows; ++r) {
        if (wanted.probability.values[r] < threshold) answers[r] = kNovel;
      }
      const DeviceArray<T> logits(values, shift);
      DeviceArray<std::int32_t> best(rows), answer(rows);
      DeviceArray<float> probability(rows);
      const std::int64_t before = launch_count();
      kernels::top1(logits.data(), static_cast<float>(threshold), kNovel, best.data(), probability.data(),
                    answer.data(), shape.rows, shape.cols, nullptr);
      if (is_emulated()) CHECK(launch_count() == before + (rows > 0 ? 1 : 0));
      CHECK(best.values() == wanted.best);
      CHECK_ARRAY(probability, wanted.probability, 2e-6);
      CHECK(answer.values() == answers);
    }
  }
}

TEST_CASE_TEMPLATE("top1 kernel: ties, infinities and NaN on every path", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const std::int64_t cols : kOnEachPath) {
    CAPTURE(cols);
    const auto width = static_cast<std::size_t>(cols);
    const std::size_t middle = width / 2, last = width - 1;
    const auto place = static_cast<std::int32_t>(middle);
    std::vector<T> row(width, T(-3.0f));
    check_row(row, 0, 1.0 / static_cast<double>(cols));  // all are equal: the first
    row[middle] = row[last] = T(1e30f);
    check_row(row, place, 0.5);
    row[last] = T(-INFINITY);
    check_row(row, place, 1);
    row[last] = T(INFINITY);
    check_row(row, static_cast<std::int32_t>(last), NAN);
    row[middle] = T(NAN);
    check_row(row, place, NAN);
    row[last] = T(-NAN);
    check_row(row, place, NAN);
    row.assign(width, T(-INFINITY));
    check_row(row, 0, NAN);
    row[middle] = T(-1e30f);
    check_row(row, place, 1);
    row.assign(width, T(-0.0f));
    row[middle] = T(0.0f);  // no larger than -0
    check_row(row, 0, 1.0 / static_cast<double>(cols));
  }
}

TEST_CASE("top1 kernel: every output may be left out; the threshold itself is enough") {
  if (!device_is_there()) return;
  const DeviceArray<float> logits(std::vector<float>{0, 0, -1e30f, 1, 7, 1, 1, 1});
  DeviceArray<std::int32_t> best(2), answer(2);
  DeviceArray<float> probability(2);
  const auto run = [&](std::int32_t* b, float* p, std::int32_t* a, float threshold) {
    kernels::top1(logits.data(), threshold, kNovel, b, p, a, 2, 4, nullptr);
  };
  run(nullptr, nullptr, nullptr, 0);
  run(best.data(), nullptr, nullptr, 0);
  CHECK(best.values() == std::vector<std::int32_t>{3, 0});
  run(nullptr, probability.data(), nullptr, 0);
  CHECK(probability.values()[0] == doctest::Approx(1 / (1 + 2 * std::exp(-1.0))));
  run(nullptr, nullptr, answer.data(), probability.values()[0]);
  CHECK(answer.values() == std::vector<std::int32_t>{3, 0});
  run(nullptr, nullptr, answer.data(), std::nextafter(probability.values()[0], 1.0f));
  CHECK(answer.values() == std::vector<std::int32_t>{kNovel, 0});
  run(nullptr, nullptr, answer.data(), NAN);
  CHECK(answer.values() == std::vector<std::int32_t>{kNovel, kNovel});
}
