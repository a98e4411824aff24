#include "engine/backend/backend.h"

#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "engine/device/allocator.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/cosine_head.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/global_average_pool.h"
#include "engine/ops/hierarchical_kl.h"
#include "engine/ops/linear.h"
#include "engine/ops/max_pool.h"
#include "engine/ops/optimizer_step.h"
#include "tests/support/tensors.h"

using namespace tern;

namespace {

// A network small enough for a test with every kind of op in it: stem, residual block, three heads, three
// losses.
class TinyNetwork {
 public:
  explicit TinyNetwork(Device device) : device_(device) {}

  // One training step; returns the loss.
  float step() {
    for (Variable& parameter : parameters_) parameter.clear_grad();
    const Variable x(test::uniform({4, 16, 16, 3}, -1, 1, 1, device_));
    Variable y = conv2d(x, parameter(0), Window{7, 2, 3});
    y = max_pool(batch_norm(y, norm_, true, {}, true), Window{3, 2, 1});
    y = batch_norm(conv2d(y, parameter(1), parameter(2), Window{3, 1, 1}), norm_, true, y, true);
    const Variable features = global_average_pool(y);
    const Variable parents = linear(features, parameter(3));
    const Variable children = cosine_head(features, parameter(4), parameter(5));
    const Variable loss = cross_entropy(parents, test::integers({0, 1, 2, 0}, device_)) +
                          cross_entropy(children, test::integers({4, 0, 1, -1}, device_)) +
                          0.1f * hierarchical_kl(parents, children, test::integers({0, 0, 1, 1, 2}, device_));
    backward(loss);
    optimise();
    return loss.data().item();
  }

 private:
  const Variable& parameter(std::size_t i) const { return parameters_[i]; }

  void optimise() {
    if (slots_.empty()) {
      for (const Variable& parameter : parameters_) {
        slots_.push_back({parameter.data(), Tensor(), Tensor::zeros_like(parameter.data()),
                          Tensor::zeros_like(parameter.data()), 1e-3f, 1e-4f});
      }
    }
    for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].gradient = parameters_[i].grad();
    Tensor norm = Tensor::empty({1}, DType::f32, device_), scale = Tensor::empty_like(norm);
    clip_scale(slots_, 1, norm, scale);
    adam_step(slots_, {.step = ++steps_}, &scale);
  }

  Variable weights(const Shape& shape, std::uint64_t seed) const {
    return Variable(test::uniform(shape, -0.3f, 0.3f, seed, device_), true);
  }
  Tensor full(const Shape& shape, float value) const { return Tensor::full(shape, value).to(device_); }

  Device device_;
  std::vector<Variable> parameters_{
      weights({8, 7, 7, 3}, 2),     weights({8, 3, 3, 8}, 3),    weights({8}, 4),
      weights({3, 8}, 5),           weights({5, 8}, 6),          Variable(full({1}, 30), true),
      Variable(full({8}, 1), true), Variable(full({8}, 0), true)};
  BatchNormState norm_{parameters_[6], parameters_[7], full({8}, 0), full({8}, 1)};
  std::vector<OptimizerSlot> slots_;
  std::int64_t steps_ = 0;
};

}  // namespace

TEST_CASE("backend: a steady training step allocates nothing from the system, and learns") {
  for (const Device device : test::devices()) {
    TinyNetwork network(device);
    const float first = network.step();
    for (int i = 0; i < 3; ++i) network.step();
    const AllocatorStatistics before = allocator_statistics(device);
    float last = 0;
    for (int i = 0; i < 20; ++i) last = network.step();
    const AllocatorStatistics after = allocator_statistics(device);
    CHECK(after.system_allocations == before.system_allocations);
    CHECK(after.bytes_in_use == before.bytes_in_use);
    CHECK(last < first);
  }
}

TEST_CASE("backend: two networks trained alike give the same bytes") {
  for (const Device device : test::devices()) {
    TinyNetwork a(device), b(device);
    for (int i = 0; i < 3; ++i) CHECK(a.step() == b.step());
  }
}

TEST_CASE("backend: every device has the CPU's losses") {
  for (const Device device : test::devices()) {
    TinyNetwork here(device), cpu(Device::cpu());
    for (int i = 0; i < 5; ++i) CHECK(here.step() == doctest::Approx(cpu.step()).epsilon(1e-4));
  }
}

TEST_CASE("backend: one a device, described for people") {
  Backend& cpu = backend_of(Device::cpu());
  CHECK(&cpu == &backend_of(Tensor::zeros({1})));
  CHECK(cpu.description().find("oneDNN") != std::string::npos);
  cpu.synchronize();
}

TEST_CASE("backend: a device that is not there is an error that says so") {
  CHECK_THROWS_WITH_AS(backend_of(Device::cuda(999)), doctest::Contains("cuda:999"), Error);
}

TEST_CASE("backend: window extents round down") {
  CHECK(Window{3, 2, 1}.output_extent(64) == 32);
  CHECK(Window{7, 2, 3}.output_extent(65) == 33);
  CHECK(Window{1, 2, 0}.output_extent(5) == 3);
}
