// Gradients summed over ranks while the backward pass runs: on one process as it is, and under mpirun on several.
#include "engine/distributed/gradient_buckets.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/distributed/world.h"
#include "engine/ops/arithmetic.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Net {
  std::vector<Variable> parameters{Variable(uniform({3, 5}, -1, 1, 1), true),
                                   Variable(uniform({7}, -1, 1, 2), true),
                                   Variable(uniform({2, 2, 2}, -1, 1, 3), true)};

  /// A loss whose gradient in each parameter is factor * (parameter of the same seed's, drawn for `rank`).
  Variable loss(int rank) const {
    Variable total;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Variable term = sum(parameters[i] * Variable(factor(i, rank)));
      total = total.defined() ? total + term : term;
    }
    return total;
  }
  Tensor factor(std::size_t i, int rank) const {
    return uniform(parameters[i].shape(), -1, 1, 10 * (rank + 1) + static_cast<int>(i));
  }
  void check_sums(double times = 1) const {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      std::vector<double> wanted(static_cast<std::size_t>(parameters[i].data().numel()));
      for (int rank = 0; rank < world().size(); ++rank) {
        const std::vector<float> one = factor(i, rank).to_vector<float>();
        for (std::size_t k = 0; k < one.size(); ++k) wanted[k] += times * static_cast<double>(one[k]);
      }
      const std::vector<float> found = parameters[i].grad().to_vector<float>();
      for (std::size_t k = 0; k < found.size(); ++k)
        CHECK(found[k] == doctest::Approx(wanted[k]).epsilon(1e-5));
    }
  }
  void clear() {
    for (Variable& parameter : parameters) parameter.clear_grad();
  }
};

void backward_into(const Variable& loss, GradientBuckets& buckets) {
  backward(loss, Tensor::full({1}, 1), [&](const Variable& leaf) { buckets.take(leaf); });
  buckets.finish();
}

}  // namespace

TEST_CASE("gradient buckets: the sums of all ranks, whatever the size of a bucket, step after step") {
  std::vector<Tensor> sums;  // of the smallest buckets
  for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{48}, std::int64_t{1} << 20}) {
    CAPTURE(bytes);
    Net net;
    GradientBuckets buckets(world(), net.parameters, bytes);
    CHECK(buckets.buckets() == (bytes == 1 ? 3 : bytes == 48 ? 3 : 1));
    for (int step = 0; step < 3; ++step) {
      net.clear();
      backward_into(net.loss(world().rank()), buckets);
      net.check_sums();
    }
    for (std::size_t i = 0; i < net.parameters.size(); ++i) {
      if (bytes == 1) sums.push_back(net.parameters[i].grad().clone());
      CHECK(same_bytes(net.parameters[i].grad(), sums[i]));
    }
  }
}

TEST_CASE("gradient buckets: gradients of several passes are summed before they are sent") {
  Net net;
  GradientBuckets buckets(world(), net.parameters, 1 << 20);
  for (int update = 0; update < 2; ++update) {
    net.clear();
    backward(net.loss(world().rank()));
    backward_into(net.loss(world().rank()), buckets);
    net.check_sums(2);
  }
}

TEST_CASE("gradient buckets: a rank without work adds nothing") {
  Net net;
  GradientBuckets buckets(world(), net.parameters, 1);
  if (world().rank() > 0) {
    buckets.finish();
  } else {
    backward_into(net.loss(0), buckets);
  }
  for (std::size_t i = 0; i < net.parameters.size(); ++i) {
    CHECK(net.parameters[i].grad().to_vector<float>() == net.factor(i, 0).to_vector<float>());
  }
}

TEST_CASE("gradient buckets: a gradient that comes twice is an error, another's is none") {
  Net net;
  GradientBuckets buckets(world(), {net.parameters[0], net.parameters[1]}, 1 << 20);
  backward(net.loss(0));
  buckets.take(net.parameters[2]);
  buckets.take(net.parameters[0]);
  CHECK_THROWS_AS(buckets.take(net.parameters[0]), Error);
  buckets.finish();
}
