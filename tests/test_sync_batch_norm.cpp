// Batch norm by the statistics of all ranks: what one process finds for all of the batch. On one process as it is, and under
// mpirun on several, one of which may have nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/autograd/tape.h"
#include "engine/distributed/world.h"
#include "engine/ops/batch_norm.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;

namespace {

constexpr std::int64_t kChannels = 17;

BatchNormState new_state(Communicator* ranks) {
  return {.gamma = Variable(uniform({kChannels}, 0.5, 2, 2), true),
          .beta = Variable(uniform({kChannels}, -1, 1, 3), true),
          .running_mean = uniform({kChannels}, -1, 1, 4),
          .running_variance = uniform({kChannels}, 1, 2, 5),
          .ranks = ranks};
}

void check_close(const Tensor& found, const Tensor& wanted, float tolerance) {
  REQUIRE(found.shape() == wanted.shape());
  const std::vector<float> a = found.to_vector<float>(), b = wanted.to_vector<float>();
  float worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, std::abs(a[i] - b[i]) / std::max(1.0f, std::abs(b[i])));
  }
  CHECK(worst <= tolerance);
}

/// images: of all ranks; the last of them have nothing if there are fewer.
void check_synchronised(std::int64_t images, float mean, bool with_residual) {
  CAPTURE(images);
  CAPTURE(with_residual);
  Communicator& ranks = world();
  const Shape shape{images, 3, 2, kChannels};
  Tensor x = uniform(shape, -2, 3, 1);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] += mean;
  const Tensor residual = uniform(shape, -1, 1, 7), dy = uniform(shape, -1, 1, 6);
  const auto run = [&](const Share& rows, Communicator* over, BatchNormState& state, Variable& in) {
    state = new_state(over);
    in = Variable(x.rows(rows.begin, rows.end).clone(), true);
    const Variable add =
        with_residual ? Variable(residual.rows(rows.begin, rows.end).clone(), true) : Variable();
    const Variable y = batch_norm(in, state, true, add, /*relu=*/true);
    backward(y, dy.rows(rows.begin, rows.end).clone());
    return y.data();
  };
  const Share all{0, images}, mine = share_of(images, ranks.rank(), ranks.size());
  BatchNormState whole, shared;
  Variable x_whole, x_shared;
  const Tensor y_whole = run(all, nullptr, whole, x_whole), y = run(mine, &ranks, shared, x_shared);
  // Whole sums are f32 within 256 rows, shares' are others.
  check_close(y, y_whole.rows(mine.begin, mine.end), mean == 0 ? 1e-5f : 1e-3f);
  check_close(x_shared.grad(), x_whole.grad().rows(mine.begin, mine.end), mean == 0 ? 1e-5f : 1e-3f);
  check_close(shared.running_mean, whole.running_mean, 1e-6f);
  check_close(shared.running_variance, whole.running_variance, 1e-5f);
  for (const auto& [part, wanted] :
       {std::pair(shared.gamma, whole.gamma), std::pair(shared.beta, whole.beta)}) {
    std::vector<double> sum;
    for (const float value : part.grad().to_vector<float>()) sum.push_back(static_cast<double>(value));
    ranks.all_reduce(sum);
    Tensor total = Tensor::empty({kChannels});
    std::transform(sum.begin(), sum.end(), total.data<float>(),
                   [](double value) { return static_cast<float>(value); });
    check_close(total, wanted.grad(), mean == 0 ? 1e-5f : 1e-3f);
  }
}

}  // namespace

TEST_CASE("synchronised batch norm: values, gradients and running statistics of the whole batch") {
  for (const bool residual : {false, true}) {
    check_synchronised(9, 0, residual);
    check_synchronised(1, 0, residual);  // which one rank has
    check_synchronised(300, 0, residual);
  }
}

TEST_CASE("synchronised batch norm: a mean far from 0 costs no precision in the variance") {
  check_synchronised(40, 1000, false);
}

TEST_CASE("synchronised batch norm: one value a channel on all ranks together is an error on each") {
  BatchNormState state = new_state(&world());
  const bool has_it = world().is_root();
  const Variable x(Tensor::zeros({has_it ? 1 : 0, 1, 1, kChannels}));
  CHECK_THROWS_AS(batch_norm(x, state, true), Error);
}
