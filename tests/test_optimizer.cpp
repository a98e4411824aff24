#include "engine/optim/optimizer.h"

#include <limits>

#include "engine/device/allocator.h"
#include "tests/support/files.h"
#include "tests/support/optimizer_case.h"

using namespace tern;
using test::give_gradient;
using test::OptimizerCase;

TEST_CASE("optimizer: groups separate what decays from what does not") {
  const auto variable = [](bool wanted) { return Variable(Tensor::zeros({2}), wanted); };
  const std::vector<ParameterEntry> parameters = {
      {"w", variable(true), ParameterKind::weight},  {"b", variable(true), ParameterKind::bias},
      {"n", variable(true), ParameterKind::norm},    {"s", variable(true), ParameterKind::scale},
      {"f", variable(false), ParameterKind::weight}, {"v", variable(true), ParameterKind::weight}};
  const auto names = [](const ParameterGroup& group) {
    std::string text;
    for (const ParameterEntry& entry : group.parameters) text += entry.name;
    return text;
  };
  const auto exempt = make_parameter_groups(parameters, 0.1f, true, 3);
  REQUIRE(exempt.size() == 2);
  CHECK(names(exempt[0]) == "wv");
  CHECK(exempt[0].weight_decay == 0.1f);
  CHECK(exempt[0].learning_rate_factor == 3);
  CHECK(names(exempt[1]) == "bns");
  CHECK(exempt[1].weight_decay == 0);
  const auto all = make_parameter_groups(parameters, 0.1f, false);
  REQUIRE(all.size() == 1);
  CHECK(names(all[0]) == "wbnsv");
  CHECK(make_parameter_groups({}, 0.1f, true).empty());
}

TEST_CASE("optimizer: gradients accumulated over k passes count as their mean") {
  for (const Device device : test::devices()) {
    const OptimizerCase whole(device), parts(device);
    Adam one(whole.groups()), other(parts.groups());
    for (int step = 0; step < 3; ++step) {
      for (const float clip : {0.0f, 1.0f}) {
        one.clear_gradients();
        other.clear_gradients();
        const Tensor weight = OptimizerCase::weight_gradient(step).to(device),
                     bias = OptimizerCase::bias_gradient(step).to(device);
        give_gradient(whole.weight, weight);
        give_gradient(whole.bias, bias);
        for (int part = 0; part < 4; ++part) {
          give_gradient(parts.weight, weight);
          give_gradient(parts.bias, bias);
        }
        one.step({.learning_rate = 0.01f, .clip_norm = clip});
        other.step({.learning_rate = 0.01f, .clip_norm = clip, .accumulated = 4});
        if (clip > 0) CHECK(other.gradient_norm().item() == doctest::Approx(one.gradient_norm().item()));
      }
    }
    CHECK_CLOSE(parts.weight.data(), test::array(whole.weight.data()), 1e-6);
    CHECK_CLOSE(parts.bias.data(), test::array(whole.bias.data()), 1e-6);
  }
}

TEST_CASE("optimizer: a parameter without a gradient is skipped, its decay too") {
  const OptimizerCase one;
  Adam adam(one.groups());
  const Tensor before = one.weight.data().clone();
  adam.step({.learning_rate = 0.1f});
  CHECK(adam.step_count() == 0);
  give_gradient(one.bias, OptimizerCase::bias_gradient(0));
  adam.step({.learning_rate = 0.1f});
  CHECK(adam.step_count() == 1);
  CHECK(test::same_bytes(one.weight.data(), before));
}

namespace {

void check_restored(const std::string& name, Device device) {
  CAPTURE(name);
  const OptimizerCase whole(device), halves(device);
  const auto straight = make_optimizer(name, whole.groups()), first = make_optimizer(name, halves.groups());
  whole.run(*straight, 0.5f);
  halves.run(*first, 0.5f, 0, 5);
  const auto second = make_optimizer(name, halves.groups());
  std::vector<OptimizerTensor> to = second->state();
  const std::vector<OptimizerTensor> from = first->state();
  REQUIRE(to.size() == from.size());
  for (std::size_t i = 0; i < to.size(); ++i) to[i].value.assign(from[i].value);
  second->set_step_count(first->step_count());
  halves.run(*second, 0.5f, 5, 10);
  CHECK(test::same_bytes(halves.weight.data(), whole.weight.data()));
  CHECK(test::same_bytes(halves.bias.data(), whole.bias.data()));
}

}  // namespace

TEST_CASE("optimizer: saved and restored in the middle, the end is the same to the bit") {
  for (const Device device : test::devices()) {
    for (const char* name : {"adam", "adamw", "sgd"}) check_restored(name, device);
  }
}

TEST_CASE("optimizer: a steady step asks the system for no memory") {
  for (const Device device : test::devices()) {
    const OptimizerCase one(device);
    Adam adam(one.groups());
    one.run(adam, 1, 0, 3);
    const std::size_t before = allocator_statistics(device).system_allocations;
    one.run(adam, 1, 3, 10);
    CHECK(allocator_statistics(device).system_allocations == before);
  }
}

TEST_CASE("optimizer: says what is wrong") {
  const OptimizerCase one;
  CHECK(test::error_of([&] { make_optimizer("rmsprop", one.groups()); }) ==
        "optimizer: wanted 'adam', 'adamw' or 'sgd', got 'rmsprop'");
  const auto error_with = [&](auto&& change) {
    std::vector<ParameterGroup> groups = one.groups();
    change(groups);
    return test::error_of([&] { Adam adam(groups); });
  };
  CHECK(error_with([](auto& groups) { groups[1].parameters = groups[0].parameters; }) ==
        "adam: wanted each parameter once, got 'weight' twice");
  CHECK(error_with([](auto& groups) { groups[1].parameters[0].name = "weight"; }) ==
        "adam: wanted each parameter once, got 'weight' twice");
  CHECK(error_with([](auto& groups) { groups[0].parameters[0].value = Variable(Tensor::zeros({1})); }) ==
        "adam: wanted parameters that require gradients, got 'weight', which does not");
  CHECK(error_with([](auto& groups) { groups[0].weight_decay = -1; }).find("weight decay") !=
        std::string::npos);
  Adam adam(one.groups());
  CHECK_THROWS_AS(adam.step({.learning_rate = -1}), Error);
  CHECK_THROWS_AS(adam.step({.learning_rate = std::numeric_limits<float>::quiet_NaN()}), Error);
  CHECK_THROWS_AS(adam.step({.learning_rate = 1, .clip_norm = -1}), Error);
  CHECK_THROWS_AS(adam.step({.learning_rate = 1, .accumulated = 0}), Error);
}
