#include "engine/core/check.h"
#include "tests/support/optimizer_case.h"

using namespace tern;

TEST_CASE("sgd: ten steps are PyTorch's") {
  test::check_optimizer("sgd", [](const auto& groups) { return std::make_unique<Sgd>(groups); });
  test::check_optimizer("momentum", [](const auto& groups) {
    return std::make_unique<Sgd>(groups, SgdOptions{.momentum = 0.9f});
  });
  test::check_optimizer("nesterov", [](const auto& groups) {
    return std::make_unique<Sgd>(groups, SgdOptions{.momentum = 0.9f, .nesterov = true});
  });
}

TEST_CASE("sgd: keeps a buffer only with momentum") {
  const test::OptimizerCase one;
  CHECK(Sgd(one.groups()).state().empty());
  CHECK(Sgd(one.groups(), {.momentum = 0.5f}).state().size() == 2);
}

TEST_CASE("sgd: says what is wrong") {
  const test::OptimizerCase one;
  CHECK_THROWS_AS(Sgd(one.groups(), {.momentum = 1}), Error);
  CHECK_THROWS_AS(Sgd(one.groups(), {.momentum = 0, .nesterov = true}), Error);
}
