// Parted over real ranks, and to the bit, in test_ranks.cpp.
#include "engine/optim/optimizer_shards.h"

#include "tests/support/files.h"
#include "tests/support/optimizer_case.h"

using namespace tern;
using test::OptimizerCase;
using Keepers = std::vector<int>;

TEST_CASE("optimizer shards: contiguous parts of about as many elements") {
  CHECK(keepers_of({1, 1, 1, 1}, 2) == Keepers{0, 0, 1, 1});
  CHECK(keepers_of({1, 1, 1, 1}, 4) == Keepers{0, 1, 2, 3});
  CHECK(keepers_of({100, 1, 1, 98}, 2) == Keepers{0, 1, 1, 1});
  CHECK(keepers_of({1, 1000, 1}, 3) == Keepers{0, 1, 2});
  CHECK(keepers_of({1000}, 4) == Keepers{2});  // the others have nothing to do
  CHECK(keepers_of({0, 0}, 3) == Keepers{0, 0});
  CHECK(keepers_of({}, 3).empty());
}

TEST_CASE("optimizer shards: two that keep a part each make what one makes that keeps all") {
  for (const char* name : {"adam", "adamw", "sgd"}) {
    CAPTURE(name);
    const OptimizerCase whole, parts[2];
    const auto all = make_optimizer(name, whole.groups());
    std::unique_ptr<Optimizer> kept[2];
    for (int rank = 0; rank < 2; ++rank) {
      kept[rank] = make_optimizer(name, parts[rank].groups());
      REQUIRE(kept[rank]->parameters().size() == 2);
      kept[rank]->keep_only({rank == 0, rank == 1});
    }
    for (int step = 0; step < 4; ++step) {
      whole.run(*all, 0.5f, step, step + 1);
      for (int rank = 0; rank < 2; ++rank) parts[rank].run(*kept[rank], 0.5f, step, step + 1);
      for (std::size_t i = 0; i < 2; ++i) {  // what share_parameters() does
        Tensor mine = kept[i]->parameters()[i].data(), other = kept[1 - i]->parameters()[i].data();
        CHECK_FALSE(test::same_bytes(mine, other));
        other.assign(mine);
      }
    }
    CHECK(test::same_bytes(parts[0].weight.data(), whole.weight.data()));
    CHECK(test::same_bytes(parts[1].bias.data(), whole.bias.data()));
    const std::vector<OptimizerTensor> state = all->state();
    for (std::size_t rank = 0; rank < 2; ++rank) {
      CHECK(kept[rank]->step_count() == 4);
      const std::vector<OptimizerTensor> mine = kept[rank]->state();
      REQUIRE(mine.size() == state.size());
      for (std::size_t i = 0; i < state.size(); ++i) {
        const std::size_t parameter = i / static_cast<std::size_t>(all->moments_per_parameter());
        CHECK(mine[i].name == state[i].name);
        CHECK(mine[i].value.defined() == (parameter == rank));
        if (parameter == rank) CHECK(test::same_bytes(mine[i].value, state[i].value));
      }
    }
    CHECK_THROWS_WITH_AS(all->keep_only({1}),
                         doctest::Contains("wanted 2 flags, one for each parameter, got 1"), Error);
  }
}
