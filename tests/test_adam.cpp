#include "engine/core/check.h"
#include "tests/support/optimizer_case.h"

using namespace tern;

TEST_CASE("adam: ten steps are PyTorch's") {
  test::check_optimizer("adam", [](const auto& groups) { return std::make_unique<Adam>(groups); });
  test::check_optimizer("adamw", [](const auto& groups) { return std::make_unique<AdamW>(groups); });
}

TEST_CASE("adam: keeps two moments a parameter, allocated once") {
  const test::OptimizerCase one;
  Adam adam(one.groups());
  const std::vector<OptimizerTensor> before = adam.state();
  REQUIRE(before.size() == 4);
  CHECK(before[0].name == "weight.first_moment");
  CHECK(before[3].name == "bias.second_moment");
  one.run(adam, 0);
  const std::vector<OptimizerTensor> after = adam.state();
  for (std::size_t i = 0; i < before.size(); ++i) CHECK(after[i].value.shares_storage(before[i].value));
  CHECK(after[0].value.to_vector<float>()[0] != 0);
}

TEST_CASE("adam: says what is wrong") {
  const test::OptimizerCase one;
  CHECK_THROWS_WITH_AS(Adam(one.groups(), {.beta1 = 1}), "adam: wanted betas in [0, 1), got others", Error);
  CHECK_THROWS_AS(AdamW(one.groups(), {.beta2 = -0.1f}), Error);
  CHECK_THROWS_AS(AdamW(one.groups(), {.epsilon = -1}), Error);
}
